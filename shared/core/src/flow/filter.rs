//! Which flows of many.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::{FailureGroupId, Flow, FlowState, Status};
use crate::{Batch, FailureCode, FlowId, OperationName};

/// How long after its acceptance a flow may settle: it waits for a vendor for a day, and a job may take another.
const LONGEST_LIFE: Duration = Duration::from_hours(49);

/// Which flows are meant: those for which all that is given is true. Nothing given means every flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowFilter {
    /// They are among these.
    pub ids: Option<BTreeSet<FlowId>>,
    /// Where they stand.
    pub state: Option<FlowState>,
    /// Why they failed: those that FAILED with this code.
    pub code: Option<FailureCode>,
    /// What is done to them.
    pub operation: Option<OperationName>,
    /// They failed as all of this group did.
    pub group: Option<FailureGroupId>,
    /// They reached their final state then or later.
    pub settled_since: Option<Timestamp>,
    /// They reached their final state then or before.
    pub settled_until: Option<Timestamp>,
    /// The URL of their asset has this in it, in capitals or not.
    pub url: Option<String>,
}

impl FlowFilter {
    /// Every flow in this state, or every flow.
    pub fn of_state(state: Option<FlowState>) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }

    /// The one state that its flows can be in, if it tells.
    pub fn only_state(&self) -> Option<FlowState> {
        let of_failures = self.code.is_some() || self.group.is_some();
        self.state.or(of_failures.then_some(FlowState::Failed))
    }

    /// Those of its flows that are in this state; `None` if it means none of them.
    pub fn within(&self, state: FlowState) -> Option<Self> {
        let possible = self.only_state().is_none_or(|only| only == state);
        possible.then(|| Self {
            state: Some(state),
            ..self.clone()
        })
    }

    /// When the batches of its flows were accepted at the earliest.
    pub fn accepted_since(&self) -> Timestamp {
        self.settled_since.map_or(Timestamp::MIN, |since| {
            since.saturating_sub(LONGEST_LIFE).unwrap_or(since)
        })
    }

    /// Whether a batch may have flows that are meant, by what its row says.
    pub fn may_mean_some_of(&self, batch: &Batch) -> bool {
        let has = |state: FlowState| match batch.final_counts() {
            Some(counts) => counts.of_state(state) > 0,
            None => state.is_settled() || batch.completed_at.is_none(),
        };
        batch.created_at >= self.accepted_since()
            && self.only_state().is_none_or(has)
            && (self.operation.as_ref()).is_none_or(|operation| batch.operation == *operation)
    }

    /// Whether a flow is meant.
    pub fn matches(&self, flow: &Flow) -> bool {
        let code = match &flow.status {
            Status::Failed { failure, .. } => Some(failure.code),
            _ => None,
        };
        let settled_at = flow.status.settled_at();
        let since = |since| settled_at.is_some_and(|at| at >= since);
        let until = |until| settled_at.is_some_and(|at| at <= until);
        self.state.is_none_or(|state| flow.state() == state)
            && (self.code.is_none() || self.code == code)
            && (self.operation.as_ref()).is_none_or(|operation| flow.operation == *operation)
            && self.settled_since.is_none_or(since)
            && self.settled_until.is_none_or(until)
            && (self.ids.as_ref()).is_none_or(|ids| ids.contains(&flow.id))
            && (self.url.as_deref()).is_none_or(|text| has(&flow.source.to_string(), text))
            // Last: it is the dearest to tell.
            && (self.group.is_none() || self.group == FailureGroupId::of(flow))
    }
}

/// Whether a URL has a text in it, in capitals or not.
fn has(url: &str, text: &str) -> bool {
    url.to_lowercase().contains(&text.to_lowercase())
}
