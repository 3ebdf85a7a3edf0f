//! What runs of operations take and come to.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Builder;

use super::{Asset, Params, Product};
use crate::{AssetUrl, Failure, FlowId, TenantId};

/// The most bytes of a [`Job::state`]: it stands in the row of its flow.
pub const MAX_JOB_BYTES: usize = 16 * 1024;

/// What an operation is run on.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asked for it.
    pub tenant: TenantId,
    /// The asset.
    pub asset: Asset,
    /// With which parameters.
    pub params: Params,
    /// What this call is known by to whoever is called.
    pub reference: CallReference,
    /// Where the operation notes that it is not to be asked for more now.
    pub backpressure: Backpressure,
}

/// What whoever is called asks of those who come next. Its clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Backpressure(Arc<OnceLock<Duration>>);

impl Backpressure {
    /// Asks to be left alone for so long, though this call may be well. What was asked first stands.
    pub fn ask(&self, wait: Duration) {
        let _ = self.0.set(wait);
    }

    /// What was asked.
    pub fn asked(&self) -> Option<Duration> {
        self.0.get().copied()
    }
}

/// What a vendor may be told along with a call, as an idempotency key or as its client's reference, and asked about
/// it by. A call that is made again because nobody knows how it ended has the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallReference(String);

impl CallReference {
    /// The reference of the calls that the attempt with this fence began: a UUID (RFC 9562, version 8).
    pub fn new(flow: FlowId, fence: u64) -> Self {
        let digest = Sha256::digest(format!("{flow}/{fence}"));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(Builder::from_custom_bytes(bytes).into_uuid().to_string())
    }

    /// The reference as text: 36 characters of 0-9, a-f and '-'.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What running an operation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// It is done.
    Done(Product),
    /// Somebody took it on, and is to be asked about it.
    Taken(Job),
}

/// What somebody took on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What the operation needs to ask about it; at most [`MAX_JOB_BYTES`]. MUST hold no secret of the operator's.
    pub state: String,
    /// How long to leave it alone. None at all: it is asked about at once, in the same attempt, once this state is
    /// kept.
    pub ask_after: Duration,
    /// What kept the last question from an answer, if anything did.
    pub trouble: Option<Failure>,
}

/// A question about a job.
#[derive(Debug, Clone)]
pub struct JobCall {
    /// Who asked for it.
    pub tenant: TenantId,
    /// Where the asset came from.
    pub asset_url: AssetUrl,
    /// The asset itself, for operations that need it to the end.
    pub asset: Option<Bytes>,
    /// With which parameters it was begun.
    pub params: Params,
    /// What it was known by.
    pub state: String,
    /// Whether this very attempt kept the state. If not, what it says was about to be sent may have been.
    pub fresh: bool,
}

/// What asking for a call came to whose end nobody learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp {
    /// It was made, and came to this.
    Found(Run),
    /// It never arrived: making it is not making it again.
    Absent,
    /// That can't be learnt now.
    Unknown(Failure),
}
