//! The turn of a flow at its next step, before anything is fetched for it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::attempt::{Attempt, StepTurn};
use super::step::AttemptEnd;
use super::{Outcome, Process, Waiting};
use crate::pacing::Place;
use crate::ports::{FlowChanges as _, Unavailable};
use crate::usecases::message_handler::WOKEN_EARLY;
use crate::usecases::pacer::{Asker, Ended, Turn, Verdict};
use crate::{
    Cost, Failure, FailureCode, Flow, FlowId, Happened, NextTry, OperationError, Status, Step, Wait,
};

/// The longest that a flow waits before it looks for a place again.
const LONGEST_BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// How long a flow waits for a place in a process without saying so, and with.
const UNSAID_FOR: Duration = Duration::from_secs(1);
const WAITS_HERE: Duration = Duration::from_secs(5);
/// A flow whose turn others took that came meanwhile does not say so where it waits no longer than this.
const SOON: Duration = Duration::from_secs(15);

impl Process {
    /// Asks for the turn of a flow that is not claimed yet, as far as its row is known: a flow that has to wait then
    /// costs one write, and no attempt is begun. What came of it, unless the flow is to be claimed.
    pub(super) async fn line_up(
        &self,
        guess: &Flow,
        attempt: &mut Attempt,
    ) -> Result<Option<Outcome>, Unavailable> {
        let now = self.clock.now();
        let before = guess.progress.slot;
        let due = match guess.status {
            Status::Pending { not_before, .. } => {
                before.is_some() || not_before.is_none_or(|until| until <= now)
            }
            _ => false,
        };
        if !due || guess.progress.job.is_some() {
            return Ok(None);
        }
        let Ok((steps, _)) = self.steps(guess) else {
            return Ok(None);
        };
        let Some(step) = steps.get(guess.progress.done_of(&steps)) else {
            return Ok(None);
        };
        if self.may_outlast_its_caller(step, attempt) {
            return Ok(None);
        }
        let place = match self.turn_at(step, guess, attempt.waiting).await? {
            Ok(turn) => {
                attempt.turn = Some(turn);
                return Ok(None);
            }
            Err(place) => place,
        };
        let now = self.clock.now();
        if self.waits_too_long(guess, &place) {
            return Ok(None);
        }
        let wait = |row: Flow| {
            Some(Outcome::Wait {
                until: place.until,
                row: Some(Box::new(row)),
            })
        };
        if says(guess, &place) && (nobody_knows_when(place.reason) || place.until <= now + SOON) {
            // Looking again is not written each time.
            return Ok(wait(guess.clone()));
        }
        let rest = self.rests_until(&place, attempt);
        let mut row = guess.clone();
        let stands = self
            .flows
            .change_held(&mut row, move |row| {
                let stands = row.stand_in_line(before, &place, now);
                if let Some(until) = rest.filter(|_| stands) {
                    row.rest(until);
                }
                stands
            })
            .await?;
        Ok(match stands {
            Some(true) if rest.is_some() => Some(Outcome::Rests),
            Some(true) => wait(row),
            // It is no more what it was thought to be: claiming it tells what it is.
            _ => None,
        })
    }

    /// When a flow is to be found by the schedule that has this place in line, where messages can't wait for so long.
    /// That is noted with its place, in one write.
    fn rests_until(&self, place: &Place, attempt: &Attempt) -> Option<Timestamp> {
        let by_messages = self.limits.waits_by_messages(0, place.slot.is_some())?;
        let wait = self.time_until(place.until);
        let rests =
            attempt.waiting == Waiting::Nobody && place.slot.is_some() && wait > by_messages;
        // Who has a slot is there before it.
        rests.then(|| self.clock.after(wait.saturating_sub(WOKEN_EARLY)))
    }

    /// Asks for a turn of a flow at a step: its turn, or its place in line.
    pub(super) async fn turn_at(
        &self,
        step: &Step,
        flow: &Flow,
        waiting: Waiting,
    ) -> Result<Result<StepTurn, Place>, Unavailable> {
        let operation = &step.operation;
        let slot = flow.progress.slot;
        let waits_for_place = waits_for(flow) == Some(Wait::Concurrency);
        let asker = Asker {
            tenant: &flow.tenant,
            flow: flow.id,
            waits_for: match waiting {
                Waiting::CallerUntil(deadline, _) => {
                    deadline.saturating_duration_since(Instant::now())
                }
                Waiting::Nobody if waits_for_place => WAITS_HERE,
                // It is to say so first.
                Waiting::Nobody => UNSAID_FOR,
            },
            is_awaited: waiting != Waiting::Nobody,
            is_new: !waits_for_place,
            // A caller waits for seconds, and for its flow no message is spent.
            rests_for: if self.limits.hops.is_some() && waiting == Waiting::Nobody {
                rest_between_looks(flow, self.clock.now())
            } else {
                Duration::ZERO
            },
        };
        let turn = self
            .pacer
            .turn(&**operation, asker, slot, self.limits.early);
        Ok(match turn.await? {
            Turn::Now(pass) => Ok(StepTurn {
                operation: operation.description().name.clone(),
                step: step.fingerprint(),
                cost: operation.description().cost,
                pass,
            }),
            Turn::Later(place) => Err(place),
        })
    }

    /// The turn of a flow that is claimed, at a step: `None` if it has come.
    pub(super) async fn await_turn(
        &self,
        flow: &Flow,
        step: &Step,
        attempt: &mut Attempt,
    ) -> Result<Option<AttemptEnd>, Unavailable> {
        if let Some(turn) = &attempt.turn
            && turn.step == step.fingerprint()
        {
            return Ok(None);
        }
        // It may have been another step's: the row was not what it was thought to be.
        self.leave_turn(flow.id, attempt).await;
        match self.turn_at(step, flow, attempt.waiting).await? {
            Ok(turn) => {
                attempt.turn = Some(turn);
                Ok(None)
            }
            Err(place) => {
                if self.waits_too_long(flow, &place) {
                    return Ok(Some(AttemptEnd::OperationError(self.gave_up())));
                }
                Ok(Some(AttemptEnd::InLine {
                    place,
                    next_try: attempt.next_try_of_unused(flow),
                    failure: None,
                }))
            }
        }
    }

    /// Tells others how a step ended, as far as that matters to them, and makes a wait of an end that was the vendor's
    /// fault and not the flow's.
    pub(super) async fn end_turn<T>(
        &self,
        flow: &Flow,
        step: &Step,
        made: Result<T, AttemptEnd>,
        attempt: &mut Attempt,
    ) -> Result<T, AttemptEnd> {
        let Some(StepTurn {
            operation, pass, ..
        }) = attempt.turn.take()
        else {
            return made;
        };
        let called = std::mem::take(&mut attempt.called);
        let backpressure = std::mem::take(&mut attempt.backpressure);
        let ended = match &made {
            _ if !called => Ended::Unused,
            Err(AttemptEnd::OperationError(error)) => Ended::of(error),
            Ok(_) | Err(_) => Ended::Well,
        };
        let ended = ended.with(&backpressure);
        let verdict = self.pacer.ended(&operation, flow.id, pass, ended).await;
        match made {
            Err(AttemptEnd::OperationError(error)) => {
                Err(self.after_verdict(flow, step, error, verdict))
            }
            made => made,
        }
    }

    /// Leaves a turn that comes to nothing to others.
    pub(super) async fn leave_turn(&self, flow: FlowId, attempt: &mut Attempt) {
        if let Some(StepTurn {
            operation, pass, ..
        }) = attempt.turn.take()
        {
            self.pacer
                .ended(&operation, flow, pass, Ended::Unused)
                .await;
        }
    }

    fn after_verdict(
        &self,
        flow: &Flow,
        step: &Step,
        error: OperationError,
        verdict: Verdict,
    ) -> AttemptEnd {
        let until = match verdict {
            Verdict::Suspicious { until } if !was_suspicious(flow) => until,
            Verdict::Vendor { until } => until,
            Verdict::Asset | Verdict::Suspicious { .. } => {
                return AttemptEnd::OperationError(error);
            }
        };
        let failure = match (&error, verdict) {
            // Whether these were charged is not known: they go the way that keeps from paying twice.
            (OperationError::Unconfirmed(_) | OperationError::Abandoned(_), _)
                if step.operation.description().cost == Cost::Paid =>
            {
                return AttemptEnd::OperationError(error);
            }
            // One account that is refused may be one asset that is.
            (OperationError::Permanent(_), Verdict::Suspicious { .. }) => {
                return AttemptEnd::OperationError(error);
            }
            _ => error.failure().clone(),
        };
        let place = Place {
            reason: Wait::VendorDown,
            until,
            slot: None,
        };
        if self.waits_too_long(flow, &place) {
            return AttemptEnd::OperationError(self.gave_up());
        }
        AttemptEnd::InLine {
            place,
            next_try: NextTry::Same,
            failure: Some(failure),
        }
    }

    /// A vendor that is down is waited for as long as one that asks for patience. A line that moves is not: it ends.
    fn waits_too_long(&self, flow: &Flow, place: &Place) -> bool {
        place.reason == Wait::VendorDown && place.until > flow.created_at + self.limits.patience
    }

    fn gave_up(&self) -> OperationError {
        OperationError::Permanent(Failure::transient(
            FailureCode::GaveUpWaiting,
            format!(
                "the vendor is down, and waiting longer than {} is not worth it; try again later",
                in_words(self.limits.patience)
            ),
        ))
    }
}

/// Whether what a flow waits for may take long, and is looked for again and again.
fn nobody_knows_when(reason: Wait) -> bool {
    matches!(reason, Wait::Paused | Wait::Concurrency)
}

/// Whether the row says already that it waits for this.
fn says(flow: &Flow, place: &Place) -> bool {
    waits_for(flow) == Some(place.reason) && flow.progress.slot == place.slot
}

/// What the row says that it waits for.
fn waits_for(flow: &Flow) -> Option<Wait> {
    match flow.history.events().last()?.what {
        Happened::Waits { reason, .. } => Some(reason),
        _ => None,
    }
}

/// How long a flow waits at the least before it looks for a place again where each look is one message of few: half as long
/// as it has waited.
fn rest_between_looks(flow: &Flow, now: Timestamp) -> Duration {
    match flow.history.events().last() {
        Some(event) if waits_for(flow) == Some(Wait::Concurrency) => {
            let waited = Duration::try_from(now.duration_since(event.at)).unwrap_or_default();
            (waited / 2).min(LONGEST_BETWEEN_LOOKS)
        }
        _ => Duration::ZERO,
    }
}

/// Whether this flow had a failure at this step that was not held against it.
fn was_suspicious(flow: &Flow) -> bool {
    let step = flow.progress.products.len();
    flow.history.events().iter().any(|event| {
        usize::from(event.step) == step
            && matches!(event.what, Happened::Waits { reason, .. } if reason == Wait::VendorDown)
    })
}

pub(super) fn in_words(time: Duration) -> String {
    match time.as_secs() / 60 {
        minutes if minutes.is_multiple_of(60) => format!("{} h", minutes / 60),
        minutes => format!("{minutes} min"),
    }
}
