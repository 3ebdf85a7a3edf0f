//! What happened to a flow, and what it waits for, in JSON.

use assetmill_core::{Event, Flow, Happened, Status, Wait};
use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;

/// What a flow waits for.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FlowWaiting)]
pub struct WaitingView {
    /// `vendor_throttled` or `source_throttled`: the other side asked for patience. `source_paced`: its turn at the
    /// host of the asset. `vendor_job`: the vendor works on it. `same_work`: another flow is making the same.
    /// `retry`: another try. `worker`: a worker with time for its next step. `rate`: its slot, as the limits of the
    /// operation and its vendor allow. `concurrency`: as many calls go on as may. `vendor_down`: the vendor, which is
    /// down. `paused`: an operator, who stopped the operation. More may come.
    #[serde(rename = "for")]
    #[schema(rename = "for", example = "vendor_throttled")]
    reason: &'static str,
    /// Until then at the least. Nobody knows of `paused` and `concurrency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Time>,
}

/// Something that happened to a flow.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FlowEvent)]
pub struct EventView {
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    at: Time,
    /// `accepted`, `claimed` (by a worker), `fetched`, `sent_to_vendor`, `taken_by_vendor` (as a job that takes
    /// time), `stored`, `waits`, `completed`, `failed` or `cancelled`. More may come.
    #[schema(example = "claimed")]
    event: &'static str,
    /// At which step, from 0.
    step: u8,
    /// In which attempt at that step, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u16>,
    /// Whether what it sent may be charged: `paid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "paid")]
    cost: Option<&'static str>,
    /// What it waits for, as in `waiting`.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    #[schema(rename = "for")]
    reason: Option<&'static str>,
    /// Until when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Time>,
    /// The code of what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// What happened to a flow, in order.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FlowHistory)]
pub struct HistoryView {
    /// The events: of many, the first and the last.
    events: Vec<EventView>,
    /// How many are left out between the first and the last.
    left_out: u32,
}

impl WaitingView {
    /// What a flow waits for; `None` if it does not wait.
    pub(super) fn of(flow: &Flow) -> Option<Self> {
        let Status::Pending {
            not_before: Some(until),
            ..
        } = flow.status
        else {
            return None;
        };
        match flow.history.events().last()?.what {
            Happened::Waits { reason, .. } => Some(Self {
                reason: reason.as_str(),
                until: (!matches!(reason, Wait::Paused | Wait::Concurrency)).then(|| until.into()),
            }),
            _ => None,
        }
    }
}

impl HistoryView {
    /// What happened to a flow, from its acceptance on.
    pub(super) fn of(flow: &Flow) -> Self {
        let accepted = EventView {
            at: flow.created_at.into(),
            event: "accepted",
            step: 0,
            attempt: None,
            cost: None,
            reason: None,
            until: None,
            code: None,
        };
        let events = flow.history.events().iter().map(EventView::of);
        Self {
            events: std::iter::once(accepted).chain(events).collect(),
            left_out: flow.history.dropped(),
        }
    }
}

impl EventView {
    fn of(event: &Event) -> Self {
        let (reason, until, code) = match event.what {
            Happened::Waits { reason, until } => {
                let code = match reason {
                    Wait::Retry(code) => Some(code),
                    _ => None,
                };
                (Some(reason.as_str()), Some(until.into()), code)
            }
            Happened::Failed(code) => (None, None, Some(code)),
            _ => (None, None, None),
        };
        Self {
            at: event.at.into(),
            event: event.what.as_str(),
            step: event.step,
            attempt: (event.attempt > 0).then_some(event.attempt),
            cost: matches!(event.what, Happened::Sent).then_some("paid"),
            reason,
            until,
            code: code.map(assetmill_core::FailureCode::as_str),
        }
    }
}
