//! What was made already, so that nobody pays for it twice.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Unavailable;
use crate::{FlowId, Output, WorkKey};

/// Remembers the outputs of work, and who is making one now.
#[async_trait]
pub trait ResultCache: Send + Sync {
    /// The output of this work, if one was made. MUST see every `complete` answered before.
    async fn find(&self, key: &WorkKey) -> Result<Option<Output>, Unavailable>;

    /// Claims work for an attempt until `until`. Of several claims at the same time exactly one MUST
    /// win. A claim that expired MUST be taken over, and so MUST one of the same flow whose fence is
    /// not higher. Work that has an output MUST NOT be claimed.
    async fn claim(
        &self,
        key: &WorkKey,
        holder: WorkHolder,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<WorkClaim, Unavailable>;

    /// Remembers the output of work, whoever claimed it. MUST be idempotent.
    async fn complete(&self, key: &WorkKey, output: &Output) -> Result<(), Unavailable>;

    /// Gives up the claim of `holder`, if it still holds one. MUST leave an output alone, and the
    /// claim of another attempt of the same flow.
    async fn release(&self, key: &WorkKey, holder: WorkHolder) -> Result<(), Unavailable>;

    /// Forgets the output of work: it was found to be gone from where it was stored. MUST leave a
    /// claim alone.
    async fn forget(&self, key: &WorkKey) -> Result<(), Unavailable>;
}

/// Who does a piece of work: one attempt at a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkHolder {
    /// The flow.
    pub flow_id: FlowId,
    /// The fence of the attempt.
    pub fence: u64,
}

/// What became of a wish to claim work.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkClaim {
    /// The caller alone does it.
    Claimed,
    /// Another flow does it, at most until then.
    Held {
        /// When its claim ends.
        until: Timestamp,
    },
    /// It was done.
    Done(Output),
}
