//! What a vendor took on for a flow.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{OutputKey, Sha256Digest, WorkKey};

/// A job that a vendor took on for the current step of a flow. While it is in the row, nobody makes the call again:
/// who takes the flow up asks about the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenJob {
    /// For which step that was: its [`Step::fingerprint`](crate::Step::fingerprint).
    pub step: Sha256Digest,
    /// What the operation asks about it with: [`Job::state`](crate::Job::state).
    pub state: String,
    /// The work that it does.
    pub work: WorkKey,
    /// Where the asset is kept, if the operation needs it to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<OutputKey>,
    /// It is asked about no longer than until then.
    pub until: Timestamp,
}
