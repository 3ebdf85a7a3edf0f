//! The flows that one request started, and their counts.

mod labels;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use labels::{BatchName, Labels, NotABatchName, NotLabels};

use crate::{BatchId, Flow, FlowState, OperationName, Params, TenantId, Webhook};

/// The flows that one request started. Its serialised form is its row where rows are documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Its id.
    #[serde(rename = "batch_id")]
    pub id: BatchId,
    /// Who started it.
    pub tenant: TenantId,
    /// What is done to each asset.
    pub operation: OperationName,
    /// With which parameters.
    pub params: Params,
    /// How many flows it has.
    pub size: u32,
    /// The batch whose failures this one runs again.
    pub retry_of: Option<BatchId>,
    /// What its caller calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<BatchName>,
    /// What its caller labelled it with.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The endpoint that is told of it alone, as it was when the batch was read: its id is
    /// [that of the batch](crate::WebhookId::of_batch).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Box<Webhook>>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When every flow was either settled or had a message in the queue. Until then the sweep
    /// looks after it.
    pub dispatched_at: Option<Timestamp>,
    /// When its last flow settled.
    pub completed_at: Option<Timestamp>,
    /// How many of its flows ended how, as far as its row tells: what the store counted as they settled, which may be
    /// fewer while it runs, and none at all of a batch from before there was such a count.
    #[serde(skip)]
    pub counted: Counts,
}

impl Batch {
    /// How its flows ended, if its row tells that of all.
    pub fn final_counts(&self) -> Option<Counts> {
        (self.counted.total() == self.size).then_some(self.counted)
    }

    /// How far it is, as its row tells: flows that run count as pending.
    pub fn counts_so_far(&self) -> Counts {
        Counts {
            pending: self.size.saturating_sub(self.counted.total()),
            ..self.counted
        }
    }
}

/// A flow that is settled, by its place in its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledFlow {
    /// Its place, from 0.
    pub index: u32,
    /// How it ended: a terminal state.
    pub state: FlowState,
}

impl From<&Flow> for SettledFlow {
    fn from(flow: &Flow) -> Self {
        Self {
            index: flow.index,
            state: flow.state(),
        }
    }
}

/// How many flows are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for a worker, or for the time of the next attempt.
    pub pending: u32,
    /// In the hands of a worker.
    pub running: u32,
    /// Settled with an output.
    pub completed: u32,
    /// Settled with a failure.
    pub failed: u32,
    /// Settled because the caller stopped them.
    pub cancelled: u32,
}

/// How a set of flows is doing as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStatus {
    /// Some flow is not settled yet.
    Running,
    /// Every flow has an output.
    Completed,
    /// Every flow is settled; some have an output, some have not.
    Partial,
    /// Every flow failed.
    Failed,
    /// Every flow was stopped, or failed before it could be, and none has an output.
    Cancelled,
}

impl Counts {
    /// The counts of these states.
    pub fn of(states: impl IntoIterator<Item = FlowState>) -> Self {
        let mut counts = Self::default();
        for state in states {
            counts.add(state, 1);
        }
        counts
    }

    /// Adds `number` flows in `state`.
    pub fn add(&mut self, state: FlowState, number: u32) {
        let count = match state {
            FlowState::Pending => &mut self.pending,
            FlowState::Running => &mut self.running,
            FlowState::Completed => &mut self.completed,
            FlowState::Failed => &mut self.failed,
            FlowState::Cancelled => &mut self.cancelled,
        };
        *count += number;
    }

    /// Flows in this state.
    pub fn of_state(&self, state: FlowState) -> u32 {
        match state {
            FlowState::Pending => self.pending,
            FlowState::Running => self.running,
            FlowState::Completed => self.completed,
            FlowState::Failed => self.failed,
            FlowState::Cancelled => self.cancelled,
        }
    }

    /// Flows in a terminal state.
    pub fn settled(&self) -> u32 {
        self.completed + self.failed + self.cancelled
    }

    /// All flows.
    pub fn total(&self) -> u32 {
        self.settled() + self.pending + self.running
    }

    /// How they are doing as a whole.
    pub fn status(&self) -> BatchStatus {
        if self.settled() < self.total() {
            BatchStatus::Running
        } else if self.completed == self.total() {
            BatchStatus::Completed
        } else if self.completed > 0 {
            BatchStatus::Partial
        } else if self.cancelled > 0 {
            BatchStatus::Cancelled
        } else {
            BatchStatus::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use FlowState::{Cancelled, Completed, Failed, Pending, Running};

    use super::*;

    #[test]
    fn status_follows_the_counts() {
        for (states, expected) in [
            (&[Pending, Completed][..], BatchStatus::Running),
            (&[Running, Failed], BatchStatus::Running),
            (&[Completed, Completed], BatchStatus::Completed),
            (&[Completed, Failed], BatchStatus::Partial),
            (&[Completed, Cancelled], BatchStatus::Partial),
            (&[Failed, Cancelled], BatchStatus::Cancelled),
            (&[Failed, Failed], BatchStatus::Failed),
        ] {
            let counts = Counts::of(states.iter().copied());
            assert_eq!(counts.status(), expected, "{states:?}");
        }
    }
}
