//! Which flows of many.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{FailureGroupId, Flow, FlowState, Status};
use crate::{FailureCode, FlowId, OperationName};

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
