//! What the API takes and answers, as far as a client needs it; what it says beyond is passed over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The catalogue.
#[derive(Debug, Clone, Deserialize)]
pub struct Operations {
    /// Its operations.
    pub operations: Vec<Operation>,
}

/// An operation of the catalogue.
#[derive(Debug, Clone, Deserialize)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// Its parameters, as a JSON Schema of the object `params`.
    pub params: Value,
    /// The media types that it takes; empty means any.
    #[serde(default)]
    pub accepts: Vec<String>,
    /// The media types that it may make; empty means any.
    #[serde(default)]
    pub produces: Vec<String>,
    /// Whether it can run there.
    pub available: bool,
    /// What is missing, if it can't.
    pub unavailable_reason: Option<String>,
    /// Whether running it costs money.
    pub paid: bool,
}

/// What was uploaded.
#[derive(Debug, Clone, Deserialize)]
pub struct Upload {
    /// The URL that requests take.
    pub digital_asset_url: String,
    /// When it may be gone at the earliest.
    pub expires_at: String,
    /// How its bytes are sent, if they are not there.
    #[serde(rename = "upload")]
    pub(crate) missing: Option<UploadRequest>,
}

/// How bytes that were announced are sent.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct UploadRequest {
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
}

/// Bytes that are to be sent.
#[derive(Debug, Clone, Serialize)]
pub struct Announcement<'a> {
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: &'a str,
    /// How many.
    pub bytes: u64,
    /// What they are.
    pub media_type: &'a str,
}

/// Assets, and what to do with each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// Where the assets are.
    pub digital_asset_urls: Vec<String>,
    /// The operation.
    pub operation: String,
    /// Its parameters.
    pub params: Map<String, Value>,
    /// What to label the batch with.
    pub labels: BTreeMap<String, String>,
}

/// A batch that was started.
#[derive(Debug, Clone, Deserialize)]
pub struct Started {
    /// The batch.
    pub batch_id: String,
    /// Its flows, in the order of the request.
    pub flow_ids: Vec<String>,
}

/// Statuses and results of flows.
#[derive(Debug, Clone, Deserialize)]
pub struct Results {
    /// The flows.
    pub flows: Vec<FlowRow>,
}

/// A flow.
#[derive(Debug, Clone, Deserialize)]
pub struct FlowRow {
    /// Its id.
    pub flow_id: String,
    /// Where it stands.
    pub state: FlowState,
    /// Its output.
    pub result: Option<FlowResult>,
    /// What went wrong last.
    pub error: Option<FlowError>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Calls of which it is not known whether they were charged.
    #[serde(default)]
    pub unconfirmed_calls: u32,
}

/// Where a flow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FlowState {
    /// Waits for a worker, or for another try.
    Pending,
    /// Is being processed.
    Running,
    /// Has its result.
    Completed,
    /// Has an error, and will have no result.
    Failed,
    /// Was stopped.
    Cancelled,
    /// Does not exist.
    NotFound,
}

impl FlowState {
    /// Whether nothing follows.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// An output.
#[derive(Debug, Clone, Deserialize)]
pub struct FlowResult {
    /// Where it can be fetched for a while.
    pub url: String,
    /// What it is.
    pub media_type: String,
    /// How large it is.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FlowError {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// Whether the same request may succeed at another time.
    pub retryable: bool,
}

/// What a flow waits for.
#[derive(Debug, Clone, Deserialize)]
pub struct Waiting {
    /// The reason.
    #[serde(rename = "for")]
    pub reason: String,
    /// Until when, at the least.
    pub until: Option<String>,
}

/// How many flows are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// All.
    pub total: u32,
    /// Wait for a worker, or for another try.
    pub pending: u32,
    /// Are being processed.
    pub running: u32,
    /// Have their result.
    pub completed: u32,
    /// Have an error.
    pub failed: u32,
    /// Were stopped.
    pub cancelled: u32,
}
