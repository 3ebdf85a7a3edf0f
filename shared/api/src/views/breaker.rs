//! How an operation admits flows, in JSON.

use assetmill_core::pacing::{Admission, Gate, Limits};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;

/// How an operation admits flows.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Breaker)]
pub struct BreakerView {
    /// `closed`: flows pass, as fast as the limits allow. `open`: nobody is sent to the vendor, which is down or asked to
    /// be left alone. `probing`: one flow asks a vendor that was down whether it is back. `paused`: an operator
    /// stopped it.
    #[schema(example = "closed")]
    state: &'static str,
    /// Since when it is not closed, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Time>,
    /// When the vendor is asked next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Time>,
    /// Why it is not closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "the vendor answered 503")]
    reason: Option<String>,
}

/// What an operation may be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Limits)]
pub struct LimitsView {
    /// The most calls in a second, a minute or an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "500/min")]
    rate: Option<String>,
    /// How many of them at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u32>,
    /// The most calls at the same time, of each process of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
}

impl BreakerView {
    /// What is shown of a gate.
    pub fn of(gate: &Gate, now: Timestamp) -> Self {
        let admission = gate.admission(now);
        let state = match admission {
            Admission::Closed => "closed",
            Admission::Open => "open",
            Admission::Probing => "probing",
            Admission::Paused => "paused",
        };
        let mut view = Self {
            state,
            since: None,
            until: None,
            reason: None,
        };
        if let Some(paused) = gate.paused() {
            view.since = Some(paused.since().into());
            view.reason = Some(format!("an operator stopped it ({})", paused.by));
        } else if let Some(outage) = gate.outage() {
            view.since = Some(outage.since().into());
            view.until = Some(outage.probe_at().into());
            view.reason = Some(if outage.is_of_one() {
                format!(
                    "of the calls of one tenant, which alone waits: {}",
                    outage.said()
                )
            } else {
                outage.said().to_owned()
            });
        } else if let Some(until) = gate.throttled_until(now) {
            view.until = Some(until.into());
            view.reason = Some("the vendor asked to be left alone".to_owned());
        }
        view
    }
}

impl LimitsView {
    /// What is shown of limits; `None` if there are none.
    pub fn of(limits: &Limits) -> Option<Self> {
        (*limits != Limits::default()).then(|| Self {
            rate: limits.rate.map(|rate| rate.to_string()),
            burst: limits.rate.map(|rate| rate.burst().get()),
            concurrency: limits.concurrency.map(std::num::NonZeroU32::get),
        })
    }
}
