//! Whether a vendor is down, by how calls end.
//!
//! One failure may be the asset's own fault. Three flows in a row that find the vendor down, and none that finds it well
//! between, are the vendor's; for their tenant alone, where others found it well lately.

use std::time::Duration;

use jiff::Timestamp;

use super::{AFTER_OTHERS, Pacer, Pass};
use crate::pacing::{FoundBy, Gate, Outage, SPREAD};
use crate::{Backpressure, Failure, FailureCode, FlowId, OperationError, OperationName};

/// How many flows in a row have to find a vendor down.
const FLOWS: usize = 3;
/// How soon a flow tries again that may have been the first to find a vendor down.
const SUSPICION: Duration = Duration::from_secs(2);

/// How a turn ended.
#[derive(Debug)]
pub(in super::super) enum Ended<'a> {
    /// Nobody was called.
    Unused,
    /// The vendor is well, whatever it thinks of the asset.
    Well,
    /// It asks to be left alone.
    Throttled(Duration),
    /// It could not be reached, was out of order, or refused the operator's account.
    Down(&'a Failure),
}

/// Whose fault it was that a call found a vendor down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// Perhaps the asset's.
    Asset,
    /// Perhaps the vendor's: another try tells.
    Suspicious {
        /// When.
        until: Timestamp,
    },
    /// The vendor's.
    Vendor {
        /// When to look again.
        until: Timestamp,
    },
}

impl<'a> Ended<'a> {
    /// How a call ended that came to this error.
    pub(in super::super) fn of(error: &'a OperationError) -> Self {
        match error {
            OperationError::Throttled {
                failure,
                retry_after,
            } if failure.code == FailureCode::VendorThrottled => {
                Self::Throttled(retry_after.unwrap_or(SUSPICION))
            }
            OperationError::Transient(failure)
            | OperationError::Persistent(failure)
            | OperationError::Unconfirmed(failure)
            | OperationError::Abandoned(failure)
            | OperationError::Permanent(failure)
                if is_down(failure.code) =>
            {
                Self::Down(failure)
            }
            _ => Self::Well,
        }
    }

    /// The same of a call during which the vendor asked to be left alone, though it was well.
    pub(in super::super) fn with(self, backpressure: &Backpressure) -> Self {
        match (self, backpressure.asked()) {
            (Self::Well, Some(wait)) => Self::Throttled(wait),
            (ended, _) => ended,
        }
    }
}

fn is_down(code: FailureCode) -> bool {
    matches!(
        code,
        FailureCode::VendorUnavailable | FailureCode::VendorTimeout | FailureCode::VendorDenied
    )
}

impl Pacer {
    /// Tells all others how a turn ended, as far as that matters to them. That fails without a word to the flow, whose
    /// own end counts for more.
    pub(in super::super) async fn ended(
        &self,
        operation: &OperationName,
        flow: FlowId,
        pass: Pass,
        ended: Ended<'_>,
    ) -> Verdict {
        let verdict = self.tell(operation, flow, &pass, ended).await;
        let Pass { most, in_call, .. } = pass;
        let (line, of) = (in_call.line().clone(), in_call.of());
        drop(in_call);
        self.give_back_places(operation, &line, of, most).await;
        verdict
    }

    async fn tell(
        &self,
        operation: &OperationName,
        flow: FlowId,
        pass: &Pass,
        ended: Ended<'_>,
    ) -> Verdict {
        let now = self.clock.now();
        match ended {
            Ended::Unused if pass.probes => {
                self.note(operation, pass, move |gate| gate.not_probed(now))
                    .await;
            }
            Ended::Unused => {}
            Ended::Well => self.is_well(operation, pass, now).await,
            Ended::Throttled(wait) => {
                self.is_well(operation, pass, now).await;
                let until = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
                let moves = move |gate: &mut Gate| gate.throttled(until, now);
                self.note(operation, pass, moves).await;
            }
            Ended::Down(failure) => return self.is_down(operation, flow, pass, failure, now).await,
        }
        Verdict::Asset
    }

    async fn is_well(&self, operation: &OperationName, pass: &Pass, now: Timestamp) {
        let (line, of) = (pass.in_call.line(), pass.in_call.of());
        let down_since = {
            let mut known = line.known();
            known.found_well(of);
            let outage = known.last().and_then(Gate::outage);
            let held_up = outage.filter(|outage| outage.holds_up(of));
            held_up.map(Outage::since)
        };
        // What began before the outage says nothing of its end.
        if pass.probes || down_since.is_some_and(|since| since <= pass.since) {
            self.note(operation, pass, move |gate| gate.recovered(now))
                .await;
            tracing::info!(operation = %operation, "vendor is back");
        }
    }

    async fn is_down(
        &self,
        operation: &OperationName,
        flow: FlowId,
        pass: &Pass,
        failure: &Failure,
        now: Timestamp,
    ) -> Verdict {
        let (line, of) = (pass.in_call.line().clone(), pass.in_call.of());
        let (known_down, enough, alone, others) = {
            let mut known = line.known();
            if pass.probes {
                known.asked_in_vain(flow);
            }
            if known.found_down.iter().all(|(known, _)| *known != flow) {
                known.found_down.push((flow, of));
            }
            let outage = known.last().and_then(Gate::outage);
            let known_down = outage.is_some_and(|outage| outage.holds_up(of));
            let enough = known.found_down.len() >= FLOWS;
            let alone = known.is_down_alone(of);
            known.found_down.truncate(FLOWS);
            let others = known.calls.all() > 1 || known.is_well_lately();
            (known_down, enough, alone, others)
        };
        if !known_down && !enough {
            if others {
                let until = now + SUSPICION + SUSPICION.mul_f64(rand::random());
                return Verdict::Suspicious { until };
            }
            return Verdict::Asset;
        }
        let (probed, heard) = (pass.probes, failure.clone());
        let by = FoundBy {
            line: of,
            probed,
            alone,
        };
        let rule = move |gate: &mut Gate| gate.failed(&heard, by, now);
        if !known_down {
            tracing::warn!(
                operation = %operation,
                code = failure.code.as_str(),
                one_tenant = alone,
                "vendor is down"
            );
        }
        let gate = self.note(operation, pass, rule).await;
        let probe_at = gate.and_then(|gate| Some(gate.outage()?.probe_at()));
        let until = probe_at.unwrap_or(now + SUSPICION).max(now);
        // Whoever asked whether it is back comes after the others: what it heard may be of its asset.
        let spread = if probed {
            SPREAD + AFTER_OTHERS.mul_f64(rand::random())
        } else {
            SPREAD.mul_f64(rand::random())
        };
        Verdict::Vendor {
            until: until + spread,
        }
    }

    async fn note(
        &self,
        operation: &OperationName,
        pass: &Pass,
        rule: impl Fn(&mut Gate) + Send + Sync + 'static,
    ) -> Option<Gate> {
        let line = pass.in_call.line();
        let _asking = line.asking.lock().await;
        match self.change(operation, line, rule).await {
            Ok(((), gate)) => Some(gate),
            Err(error) => {
                tracing::warn!(
                    operation = %operation,
                    error = &error as &dyn std::error::Error,
                    "gate was not told how a call ended"
                );
                None
            }
        }
    }
}
