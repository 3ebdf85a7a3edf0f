//! States and counts in JSON.

use assetmill_core::{BatchStatus, Counts, FlowState};
use serde::Serialize;
use utoipa::ToSchema;

/// Where a flow stands. COMPLETED, FAILED and CANCELLED are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = FlowState)]
pub enum FlowStateView {
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
}

/// How a set of flows is doing as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = Status)]
pub enum OverallStatus {
    /// Some flow is not settled yet.
    Running,
    /// Every flow has its result.
    Completed,
    /// All that will happen has; some flows have a result, some have not.
    Partial,
    /// No flow has a result.
    Failed,
    /// No flow has a result, and some were stopped.
    Cancelled,
    /// None of these flows exists.
    NotFound,
}

/// How many of the flows asked for are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ResultCounts, example = json!({
    "total": 3, "pending": 1, "running": 0, "completed": 2, "failed": 0, "cancelled": 0,
    "not_found": 0,
}))]
pub struct ResultCountsView {
    /// All that were asked for.
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
    /// Don't exist, or are not the caller's.
    pub not_found: u32,
}

/// How many flows of a batch are in each state. May lag a little behind while flows move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BatchCounts, example = json!({
    "total": 3, "pending": 1, "running": 0, "completed": 2, "failed": 0, "cancelled": 0,
}))]
pub struct BatchCountsView {
    /// All that were counted.
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

impl From<FlowState> for FlowStateView {
    fn from(state: FlowState) -> Self {
        match state {
            FlowState::Pending => Self::Pending,
            FlowState::Running => Self::Running,
            FlowState::Completed => Self::Completed,
            FlowState::Failed => Self::Failed,
            FlowState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<BatchStatus> for OverallStatus {
    fn from(status: BatchStatus) -> Self {
        match status {
            BatchStatus::Running => Self::Running,
            BatchStatus::Completed => Self::Completed,
            BatchStatus::Partial => Self::Partial,
            BatchStatus::Failed => Self::Failed,
            BatchStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl OverallStatus {
    /// The status of flows that were asked for by id, `not_found` of which don't exist.
    pub fn of_found(counts: Counts, not_found: u32) -> Self {
        match (counts.total(), not_found) {
            (0, _) => Self::NotFound,
            (_, 0) => counts.status().into(),
            // Not everything that was asked for has a result.
            _ => match counts.status() {
                BatchStatus::Completed => Self::Partial,
                status => status.into(),
            },
        }
    }

    /// The status of a batch of `size` flows, of which `counts` may not have seen all yet.
    pub fn of_batch(counts: Counts, size: u32) -> Self {
        if counts.total() < size {
            Self::Running
        } else {
            counts.status().into()
        }
    }
}

impl ResultCountsView {
    /// The counts of the flows that exist, and the number of those that don't.
    pub fn new(counts: Counts, not_found: u32) -> Self {
        Self {
            total: counts.total() + not_found,
            pending: counts.pending,
            running: counts.running,
            completed: counts.completed,
            failed: counts.failed,
            cancelled: counts.cancelled,
            not_found,
        }
    }
}

impl From<Counts> for BatchCountsView {
    fn from(counts: Counts) -> Self {
        Self {
            total: counts.total(),
            pending: counts.pending,
            running: counts.running,
            completed: counts.completed,
            failed: counts.failed,
            cancelled: counts.cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use FlowState::{Completed, Failed, Running};

    use super::*;

    #[test]
    fn what_is_not_found_is_not_completed() {
        for (states, not_found, expected) in [
            (&[][..], 2, OverallStatus::NotFound),
            (&[Completed], 1, OverallStatus::Partial),
            (&[Completed], 0, OverallStatus::Completed),
            (&[Failed], 1, OverallStatus::Failed),
            (&[Running], 1, OverallStatus::Running),
        ] {
            let counts = Counts::of(states.iter().copied());
            assert_eq!(OverallStatus::of_found(counts, not_found), expected);
        }
    }

    #[test]
    fn a_batch_that_is_not_wholly_counted_still_runs() {
        let counts = Counts::of([Completed]);
        assert_eq!(OverallStatus::of_batch(counts, 2), OverallStatus::Running);
        assert_eq!(OverallStatus::of_batch(counts, 1), OverallStatus::Completed);
    }
}
