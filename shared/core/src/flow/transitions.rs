//! How a flow moves from one state to the next: the conditions and the changes, which adapters
//! apply to their rows atomically.

use jiff::Timestamp;

use super::{Flow, Status};
use crate::Failure;
use crate::ports::{CallEnd, Claim, Deferral, Fenced, NextTry, Settlement};

impl Flow {
    /// What [`FlowWrites::claim`](crate::ports::FlowWrites::claim) makes of this row. The row
    /// changes only to the flow in [`Claim::Claimed`].
    pub fn claim(&self, now: Timestamp, lease_until: Timestamp) -> Claim {
        match self.status {
            Status::Pending {
                not_before: Some(until),
                ..
            } if until > now => Claim::TooEarly { until },
            Status::Running {
                lease_until: until, ..
            } if until > now => Claim::Leased { until },
            Status::Running { abandoned, .. } => {
                Claim::Claimed(self.run_by(now, lease_until, abandoned + 1))
            }
            Status::Pending { .. } => Claim::Claimed(self.run_by(now, lease_until, 0)),
            Status::Completed { .. } | Status::Failed { .. } | Status::Cancelled { .. } => {
                Claim::Settled(self.clone())
            }
        }
    }

    fn run_by(&self, now: Timestamp, lease_until: Timestamp, abandoned: u32) -> Self {
        Self {
            status: Status::Running {
                lease_until,
                abandoned,
            },
            attempts: self.attempts + 1,
            fence: self.fence + 1,
            started_at: self.started_at.or(Some(now)),
            ..self.clone()
        }
    }

    /// What [`FlowWrites::begin_call`](crate::ports::FlowWrites::begin_call) does to this row.
    pub fn begin_call(&mut self, fence: u64) -> Fenced {
        self.change(fence, |flow| flow.unconfirmed_calls += 1)
    }

    /// What [`FlowWrites::settle`](crate::ports::FlowWrites::settle) does to this row.
    pub fn settle(
        &mut self,
        fence: u64,
        settlement: Settlement,
        call: CallEnd,
        now: Timestamp,
    ) -> Fenced {
        self.change(fence, |flow| {
            flow.end_call(call);
            flow.status = match settlement {
                Settlement::Completed(output) => Status::Completed {
                    output,
                    settled_at: now,
                },
                Settlement::Failed(failure) => Status::Failed {
                    failure,
                    settled_at: now,
                },
            };
        })
    }

    /// What [`FlowWrites::defer`](crate::ports::FlowWrites::defer) does to this row.
    pub fn defer(&mut self, fence: u64, deferral: Deferral, call: CallEnd) -> Fenced {
        self.change(fence, |flow| {
            flow.end_call(call);
            if deferral.next_try != NextTry::Another {
                flow.attempts = flow.attempts.saturating_sub(1);
            }
            if deferral.next_try == NextTry::First {
                flow.started_at = None;
            }
            flow.status = Status::Pending {
                not_before: Some(deferral.not_before),
                last_failure: deferral.last_failure,
            };
        })
    }

    /// What [`FlowWrites::bury`](crate::ports::FlowWrites::bury) does to this row. Whether it
    /// changed.
    pub fn bury(&mut self, failure: Failure, now: Timestamp) -> bool {
        if self.state().is_settled() {
            return false;
        }
        self.status = Status::Failed {
            failure,
            settled_at: now,
        };
        true
    }

    /// What [`FlowWrites::cancel`](crate::ports::FlowWrites::cancel) does to this row. Whether it
    /// changed.
    pub fn cancel(&mut self, now: Timestamp) -> bool {
        let pending = matches!(self.status, Status::Pending { .. });
        if pending {
            self.status = Status::Cancelled { settled_at: now };
        }
        pending
    }

    fn change(&mut self, fence: u64, change: impl FnOnce(&mut Self)) -> Fenced {
        if matches!(self.status, Status::Running { .. }) && self.fence == fence {
            change(self);
            Fenced::Done
        } else {
            Fenced::Lost
        }
    }

    fn end_call(&mut self, call: CallEnd) {
        if call == CallEnd::Confirmed {
            self.unconfirmed_calls = self.unconfirmed_calls.saturating_sub(1);
        }
    }
}
