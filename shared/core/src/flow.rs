//! The processing of one asset.

mod change;
mod failure_group;
mod filter;
mod history;
mod job;
mod progress;
mod reference;
mod transitions;

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use change::{CallEnd, Cancellation, Claim, Deferral, Fenced, NextTry, Report, Settlement};
pub use failure_group::{FailureGroupId, NotAFailureGroupId};
pub use filter::FlowFilter;
pub use history::{Event, Happened, History, Wait};
pub use job::OpenJob;
pub use progress::{Progress, StepProduct};
pub use reference::FlowRef;

use crate::{
    BatchId, Failure, FlowId, MediaType, OperationName, OutputKey, Params, Sha256Digest, Source,
    TenantId, WebhookId,
};

/// The processing of one asset. Its serialised form is its row where rows are documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Its id.
    #[serde(rename = "flow_id")]
    pub id: FlowId,
    /// Counts the changes of its row: the same number is the same row. A new flow has 1; 0 is not known, of a row that
    /// a version wrote which counted none. [`Flow::apply`] alone sets it.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub revision: u64,
    /// The batch it belongs to.
    pub batch_id: BatchId,
    /// Its place in the batch, from 0, in the order of the request.
    pub index: u32,
    /// Who started it.
    pub tenant: TenantId,
    /// The asset.
    pub source: Source,
    /// What is done to it.
    pub operation: OperationName,
    /// With which parameters.
    pub params: Params,
    /// Where it stands.
    #[serde(flatten)]
    pub status: Status,
    /// Attempts that were started, less those that cost nothing.
    pub attempts: u32,
    /// Counts claims. Whoever claimed last holds the highest and alone may settle or defer.
    pub fence: u64,
    /// Calls of a paid operation whose end was never learnt: each may have been charged.
    pub unconfirmed_calls: u32,
    /// How far its steps have come.
    #[serde(default, skip_serializing_if = "Progress::is_none")]
    pub progress: Progress,
    /// What happened to it.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub history: History,
    /// Which endpoints are told when it settles: those that wanted it when it was accepted. It stands here so that nobody
    /// has to be asked then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tells: Vec<WebhookId>,
    /// The same of those that are told how far its batch is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tells_progress: Vec<WebhookId>,
    /// When a message is due for it that the schedule sends: it may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
}

/// Where a flow stands, with what belongs to that state alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Waits for a worker.
    Pending {
        /// It may not be claimed before this time.
        not_before: Option<Timestamp>,
        /// What kept the last attempt from its output.
        last_failure: Option<Failure>,
    },
    /// A worker holds it.
    Running {
        /// After this time another worker may claim it.
        lease_until: Timestamp,
        /// How many workers in a row, before this one, held it and were never heard of again.
        #[serde(default)]
        abandoned: u32,
    },
    /// It has its output.
    Completed {
        /// What was stored.
        output: Output,
        /// Since when.
        settled_at: Timestamp,
    },
    /// It will have no output.
    Failed {
        /// Why.
        failure: Failure,
        /// Since when.
        settled_at: Timestamp,
    },
    /// The caller stopped it.
    Cancelled {
        /// Since when.
        settled_at: Timestamp,
    },
}

impl Status {
    /// Since when it is settled, if it is.
    pub fn settled_at(&self) -> Option<Timestamp> {
        match self {
            Self::Completed { settled_at, .. }
            | Self::Failed { settled_at, .. }
            | Self::Cancelled { settled_at } => Some(*settled_at),
            Self::Pending { .. } | Self::Running { .. } => None,
        }
    }
}

/// A flow's [`Status`] without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FlowState {
    /// Waits for a worker.
    Pending,
    /// A worker holds it.
    Running,
    /// It has its output.
    Completed,
    /// It will have no output.
    Failed,
    /// The caller stopped it.
    Cancelled,
}

/// The text names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a state of a flow: the states are PENDING, RUNNING, COMPLETED, FAILED and CANCELLED")]
pub struct NotAState;

impl FromStr for FlowState {
    type Err = NotAState;

    fn from_str(text: &str) -> Result<Self, NotAState> {
        let named = |state: &Self| state.as_str() == text;
        Self::ALL.into_iter().find(named).ok_or(NotAState)
    }
}

/// A stored output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Where it is.
    pub key: OutputKey,
    /// What it is.
    pub media_type: MediaType,
    /// Its length in bytes.
    pub bytes: u64,
    /// The digest of its content.
    pub sha256: Sha256Digest,
}

/// What the queue carries: which flow to process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FlowMessage {
    /// What is to be done. One that this version does not know can't be read, and is left to another.
    #[serde(default)]
    pub task: Task,
    /// The flow.
    pub flow_id: FlowId,
    /// Its owner: queues that share fairly group by it.
    pub tenant: TenantId,
    /// How many messages in a row led to this one, each sent by who handled the one before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hops: u32,
    /// The row of the flow when the message was sent, for [`flow_ref`](Self::flow_ref). Messages are told apart
    /// without it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reference::read_carried"
    )]
    pub row: Option<Box<Flow>>,
}

/// What a message asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// An attempt at the next step of the flow.
    #[default]
    Step,
}

impl Flow {
    /// Its state.
    pub fn state(&self) -> FlowState {
        match self.status {
            Status::Pending { .. } => FlowState::Pending,
            Status::Running { .. } => FlowState::Running,
            Status::Completed { .. } => FlowState::Completed,
            Status::Failed { .. } => FlowState::Failed,
            Status::Cancelled { .. } => FlowState::Cancelled,
        }
    }

    /// At which of its steps the last thing happened to it, from 0: what it failed at, if it did.
    pub fn last_step(&self) -> u8 {
        self.history.events().last().map_or(0, |event| event.step)
    }

    /// Every stored output that its row names: its own, what its steps made so far, and its asset if that was uploaded.
    pub fn output_keys(&self) -> impl Iterator<Item = OutputKey> {
        let own = match &self.status {
            Status::Completed { output, .. } => Some(&output.key),
            Status::Pending { .. }
            | Status::Running { .. }
            | Status::Failed { .. }
            | Status::Cancelled { .. } => None,
        };
        let made = self.progress.products.iter().map(|made| &made.output.key);
        let upload = match &self.source {
            Source::Asset(url) => url.upload_of(&self.tenant),
            Source::Refused(_) => None,
        };
        let of_job = self
            .progress
            .job
            .iter()
            .filter_map(|job| job.asset.as_ref());
        own.into_iter()
            .chain(made)
            .chain(of_job)
            .cloned()
            .chain(upload)
    }

    /// The message that has it processed. It carries the row, unless that has more than 8 KiB.
    pub fn message(&self) -> FlowMessage {
        FlowMessage {
            row: reference::carried(self),
            ..FlowMessage::new(self.id, self.tenant.clone())
        }
    }
}

impl FlowMessage {
    /// The message that has the next step of a flow done.
    pub fn new(flow_id: FlowId, tenant: TenantId) -> Self {
        Self {
            task: Task::Step,
            flow_id,
            tenant,
            hops: 0,
            row: None,
        }
    }
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(hops: &u32) -> bool {
    *hops == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_unknown(revision: &u64) -> bool {
    *revision == 0
}

impl FlowState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The state as it stands in JSON and in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Whether it is terminal: it absorbs.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}
