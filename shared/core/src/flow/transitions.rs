//! How a flow moves from one state to the next: the rules, which [`FlowWrites::change`](crate::ports::FlowWrites::change)
//! applies to rows. The contract suite proves them on every adapter.

use jiff::Timestamp;

use super::{
    CallEnd, Cancellation, Claim, Deferral, Event, Fenced, Flow, Happened, NextTry, Progress,
    Report, Settlement, Status, StepProduct,
};
use crate::pacing::{Place, Slot};
use crate::{CallReference, Failure, TenantId};

impl Flow {
    /// Claims it for one attempt, until `lease_until`. A flow that is pending and due, or running under a
    /// lease that ended, becomes running, with `attempts` and `fence` one higher. `abandoned` counts the
    /// leases in a row that ended so. `started_at` is set by the first.
    pub fn claim(&mut self, now: Timestamp, lease_until: Timestamp) -> Claim {
        let abandoned = match self.status {
            Status::Pending {
                not_before: Some(until),
                ..
            } if until > now => return Claim::TooEarly { until },
            Status::Running {
                lease_until: until, ..
            } if until > now => return Claim::Leased { until },
            Status::Running { abandoned, .. } => abandoned + 1,
            Status::Pending { .. } => 0,
            Status::Completed { .. } | Status::Failed { .. } | Status::Cancelled { .. } => {
                return Claim::Settled(self.clone());
            }
        };
        self.status = Status::Running {
            lease_until,
            abandoned,
        };
        self.due_at = None;
        self.attempts += 1;
        self.fence += 1;
        self.started_at.get_or_insert(now);
        // Each question about a job would be one.
        if self.progress.job.is_none() {
            self.note(now, Happened::Claimed);
        }
        Claim::Claimed(self.clone())
    }

    /// The same for a flow whose turn it is: one that waits for this very slot is due, whatever the clock said when
    /// it was told how long to wait.
    pub fn claim_in_turn(
        &mut self,
        slot: Option<Slot>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Claim {
        if slot.is_some()
            && self.progress.slot == slot
            && let Status::Pending { not_before, .. } = &mut self.status
        {
            *not_before = None;
        }
        self.claim(now, lease_until)
    }

    /// Has it wait before it is claimed, if it is pending, and its place in line is still the one that it had `before`.
    /// Whether it does. One that had another slot came too late for it: its `fence` is one higher then, as if it had been
    /// claimed for it, since whoever took it up may have been stopped by it.
    pub fn stand_in_line(&mut self, before: Option<Slot>, place: &Place, now: Timestamp) -> bool {
        let Status::Pending { not_before, .. } = &mut self.status else {
            return false;
        };
        let due = before.is_some() || not_before.is_none_or(|until| until <= now);
        if !due || self.progress.slot != before || self.progress.job.is_some() {
            return false;
        }
        *not_before = Some(place.until);
        if before.is_some() && place.slot != before {
            self.fence += 1;
        }
        self.progress.slot = place.slot;
        self.due_at = None;
        let (reason, until) = (place.reason, place.until);
        self.note(now, Happened::Waits { reason, until });
        true
    }

    /// Notes that a paid call is about to be made: adds one to `unconfirmed_calls`, if it runs under `fence`.
    /// One whose end nobody learnt, and that is made again, keeps its reference.
    pub fn begin_call(&mut self, fence: u64, events: &[Event]) -> Fenced {
        let reference = self.next_reference();
        self.change(fence, |flow| {
            flow.note_all(events);
            flow.unconfirmed_calls += 1;
            flow.progress.open_call = true;
            flow.progress.reference = Some(reference);
        })
    }

    /// What the next call is known by to the vendor.
    pub fn next_reference(&self) -> CallReference {
        let open = self.progress.reference.clone();
        open.unwrap_or_else(|| CallReference::new(self.id, self.fence))
    }

    /// Notes what its attempt has to tell, such as the job that a vendor took on, if it runs under `fence`. It goes
    /// on running.
    pub fn report(&mut self, fence: u64, report: Report) -> Fenced {
        self.change(fence, |flow| flow.take_report(report))
    }

    /// Keeps what its step number `done`, from 0, made, if it runs under `fence`. It goes on running, at the
    /// next step, whose attempts are counted anew.
    pub fn finish_step(
        &mut self,
        fence: u64,
        done: usize,
        product: StepProduct,
        report: Report,
    ) -> Fenced {
        self.change(fence, |flow| {
            flow.take_report(report);
            // What was found to be made already may have been begun by an attempt that died.
            flow.close_call();
            flow.progress.reference = None;
            flow.progress.slot = None;
            flow.progress.products.truncate(done);
            flow.progress.products.push(product);
            flow.progress.earlier_attempts = flow.attempts.saturating_sub(1);
        })
    }

    /// The attempts that were started at the current step, less those that cost nothing.
    pub fn step_attempts(&self) -> u32 {
        self.attempts.saturating_sub(self.progress.earlier_attempts)
    }

    /// Moves it to a terminal state, if it runs under `fence`.
    pub fn settle(
        &mut self,
        fence: u64,
        settlement: Settlement,
        report: Report,
        now: Timestamp,
    ) -> Fenced {
        self.change(fence, |flow| {
            flow.take_report(report);
            flow.note(
                now,
                match &settlement {
                    Settlement::Completed(_) => Happened::Completed,
                    Settlement::Failed(failure) => Happened::Failed(failure.code),
                },
            );
            flow.let_go();
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

    /// Moves it back to pending, if it runs under `fence`.
    pub fn defer(
        &mut self,
        fence: u64,
        deferral: Deferral,
        report: Report,
        now: Timestamp,
    ) -> Fenced {
        self.change(fence, |flow| {
            flow.take_report(report);
            let (reason, until) = (deferral.reason, deferral.not_before);
            flow.note(now, Happened::Waits { reason, until });
            if deferral.next_try != NextTry::Another {
                flow.attempts = flow.attempts.saturating_sub(1);
            }
            if deferral.next_try == NextTry::First {
                flow.started_at = None;
            }
            flow.due_at = None;
            flow.status = Status::Pending {
                not_before: Some(deferral.not_before),
                last_failure: deferral.last_failure,
            };
        })
    }

    /// Has the schedule send a message for it at `until`, unless it is settled. Whether it does.
    pub fn rest(&mut self, until: Timestamp) -> bool {
        if self.state().is_settled() {
            return false;
        }
        self.due_at = Some(until);
        true
    }

    /// Notes that the message was sent that was due at `due_at`.
    pub fn wake(&mut self, due_at: Timestamp) {
        if self.due_at == Some(due_at) {
            self.due_at = None;
        }
    }

    /// Settles it as failed whoever holds it, unless it is settled: for one whose message is a dead letter.
    pub fn fail_dead_letter(&mut self, failure: Failure, now: Timestamp) {
        if !self.state().is_settled() {
            self.note(now, Happened::Failed(failure.code));
            self.let_go();
            self.status = Status::Failed {
                failure,
                settled_at: now,
            };
        }
    }

    /// Cancels it if it is this tenant's and pending; leaves it as it is in any other state.
    pub fn cancel(&mut self, tenant: &TenantId, now: Timestamp) -> Cancellation {
        if self.tenant != *tenant {
            return Cancellation::Unknown;
        }
        if !matches!(self.status, Status::Pending { .. }) {
            return Cancellation::Unchanged(self.clone());
        }
        self.note(now, Happened::Cancelled);
        // One that rests has no message: whoever crashes before it is counted leaves it to the schedule.
        let found_at = self.due_at.map(|_| now);
        self.let_go();
        self.due_at = found_at;
        self.status = Status::Cancelled { settled_at: now };
        Cancellation::Cancelled(self.clone())
    }

    /// Forgets what only a flow that goes on needs.
    fn let_go(&mut self) {
        self.progress = Progress::default();
        self.due_at = None;
    }

    fn change(&mut self, fence: u64, change: impl FnOnce(&mut Self)) -> Fenced {
        if matches!(self.status, Status::Running { .. }) && self.fence == fence {
            change(self);
            Fenced::Done
        } else {
            Fenced::Lost
        }
    }

    fn take_report(&mut self, report: Report) {
        self.note_all(&report.events);
        match report.call {
            CallEnd::NoCall => {}
            CallEnd::Taken(job) => self.progress.job = Some(*job),
            CallEnd::Confirmed => {
                self.unconfirmed_calls = self.unconfirmed_calls.saturating_sub(1);
                self.close_call();
                self.progress.reference = None;
            }
            CallEnd::Unconfirmed => self.close_call(),
        }
    }

    fn close_call(&mut self) {
        self.progress.open_call = false;
        self.progress.job = None;
    }

    /// Notes what happens at its current step.
    fn note(&mut self, at: Timestamp, what: Happened) {
        let event = self.event(at, what);
        self.history.add(event);
    }

    fn note_all(&mut self, events: &[Event]) {
        for event in events {
            self.history.add(*event);
        }
    }

    /// Something that happens at its current step.
    pub fn event(&self, at: Timestamp, what: Happened) -> Event {
        let belongs_to_attempt = !matches!(what, Happened::Cancelled);
        let attempt = if belongs_to_attempt {
            self.step_attempts()
        } else {
            0
        };
        Event {
            // Rows keep milliseconds.
            at: Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at),
            what,
            step: u8::try_from(self.progress.products.len()).unwrap_or(u8::MAX),
            attempt: u16::try_from(attempt).unwrap_or(u16::MAX),
        }
    }
}
