//! One attempt at one flow.

mod alike;
mod attempt;
mod finish;
mod held_row;
mod jobs;
mod keep;
mod late_claim;
mod step;
mod steps;
mod turns;
mod unkept;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;

use super::Pacer;
use super::completion::note_settled;
use crate::ports::{
    Clock, FlowChanges as _, FlowWrites, MAX_DELAY, OutputWrites, ResultCache, Sources, Unavailable,
};
use crate::{CallEnd, Catalogue, Claim, Deferral, Flow, FlowRef, NextTry, Wait};
pub use alike::Alike;
use attempt::Attempt;
use finish::LOOK_AGAIN;
pub(super) use keep::product_output;
pub(super) use unkept::{Unkept, needs_no_row};

/// Processes flows, one attempt at a time.
///
/// The timeline of an attempt: ask for its turn; claim the flow, unless that can wait for the first change of its row; fetch
/// the asset, or what the last step made; find or claim the work and note that a paid call begins; run the step; store
/// its output; remember the work, and note that the step is done and begin the next one, or settle the flow and count it. A
/// crash between any two is mended by the next attempt, which the queue brings.
#[derive(Clone)]
pub struct Process {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// Where assets come from.
    pub sources: Arc<dyn Sources>,
    /// What was made already.
    pub result_cache: Arc<dyn ResultCache>,
    /// Where outputs go.
    pub outputs: Arc<dyn OutputWrites>,
    /// What this process is at, and is not to begin twice.
    pub alike: Alike,
    /// What can be made.
    pub catalogue: Catalogue,
    /// Whose turn it is.
    pub pacer: Pacer,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long things may take.
    pub limits: TimeLimits,
}

/// How long an attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// The longest that an operation may run; operations that know a limit of their own SHOULD stop
    /// before it, and say better why.
    pub operation: Duration,
    /// How long a claim holds. MUST outlive fetching, `operation` and storing together, and on
    /// Lambda the function's timeout.
    pub lease: Duration,
    /// The longest that a flow may wait for a vendor that asks for patience, from its acceptance on.
    pub patience: Duration,
    /// The longest that a flow may wait for a source that asks for patience, from the beginning of its
    /// first attempt on. Sources are anybody's, and cost nothing to ask: what one of them says keeps
    /// nothing waiting for long.
    pub source_patience: Duration,
    /// How often in a row who handles a message may send the next one, where that is bounded: what waits longer
    /// rests until a schedule finds it.
    pub hops: Option<u32>,
    /// How much before its time a flow is taken up that waits for its turn; the rest of the wait it is held. As much as
    /// the queue is inexact.
    pub early: Duration,
    /// A flow that so many workers in a row took up and never ended is given up: what stopped them stops the next as
    /// well, and with it the flows beside it. `None` where the queue finds out by itself which flow it was.
    pub most_abandoned: Option<u32>,
    /// Whether an attempt stops when its caller is answered, as in a function that is frozen then. A paid call
    /// that may not end before is left to the queue.
    pub stops_when_answered: bool,
}

/// Whether somebody waits for what comes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Nobody does: the flow came from the queue.
    Nobody,
    /// A caller does, until then. What can't get better soon is told at once.
    CallerUntil(Instant, Products),
}

/// Where a caller who waits has products from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Products {
    /// From memory, where it is that of the one flow. What nobody needs later is stored nowhere.
    AtHand,
    /// From where outputs are stored.
    Stored,
}

impl TimeLimits {
    /// How many workers may leave a flow behind where nobody knows whose fault it was.
    pub const MOST_ABANDONED: u32 = 2;

    /// How early a flow is taken up where the queue holds messages back for whole seconds, and somebody has to come to them.
    pub const EARLY_BY_SECONDS: Duration = Duration::from_millis(1_500);

    /// For how long a flow may wait by messages to which so many led; `None` if for any time. What waits longer rests,
    /// which is two writes of its row and two of a list. Who waits for a slot writes nothing when it comes before, so
    /// that for it several messages are less.
    pub(super) fn waits_by_messages(&self, hops: u32, has_slot: bool) -> Option<Duration> {
        let limit = self.hops?;
        let messages = match limit.checked_sub(hops) {
            None | Some(0) => 0,
            Some(_) if has_slot => (limit / 2).saturating_sub(hops).max(1),
            Some(_) => 1,
        };
        Some(MAX_DELAY * messages)
    }
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            operation: Duration::from_secs(130),
            lease: Duration::from_mins(3),
            patience: Duration::from_hours(24),
            source_patience: Duration::from_mins(15),
            hops: None,
            most_abandoned: Some(Self::MOST_ABANDONED),
            early: Duration::ZERO,
            stops_when_answered: false,
        }
    }
}

/// What comes after an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing: the flow is settled and counted.
    Settled {
        /// What this attempt made and stored, where a caller is to have it from memory.
        content: Option<Bytes>,
    },
    /// Another attempt, not before this time.
    Wait {
        /// When.
        until: Timestamp,
        /// The row, where this attempt wrote it last: what the next one begins from.
        row: Option<Box<Flow>>,
    },
    /// None, until the schedule finds it due, as its row says.
    Rests,
    /// Another attempt at once, by who takes its message from the queue.
    HandOver {
        /// The row.
        row: Option<Box<Flow>>,
    },
    /// Nothing: there is no such flow.
    Gone,
}

impl Process {
    /// Makes one attempt at a flow, unless it is settled, held by another worker, or not due.
    pub async fn attempt(
        &self,
        flow: impl Into<FlowRef> + Send,
        waiting: Waiting,
    ) -> Result<Outcome, Unavailable> {
        let flow = flow.into();
        let id = flow.id();
        let mut attempt = Attempt::new(waiting);
        let mut taken_up = None;
        if let Some(guess) = flow.guess() {
            taken_up = self.alike.take_up(id);
            // It has its turn already, and is not to be put in line again.
            if taken_up.is_none() {
                let until = self.clock.now() + LOOK_AGAIN;
                return Ok(Outcome::Wait { until, row: None });
            }
            if let Some(outcome) = self.line_up(guess, &mut attempt).await? {
                return Ok(outcome);
            }
        }
        let now = self.clock.now();
        attempt.claimed_at = now;
        let slot = flow.guess().and_then(|guess| guess.progress.slot);
        let slot = slot.filter(|_| attempt.turn.is_some());
        let lease_until = now + self.limits.lease;
        let late = flow
            .guess()
            .and_then(|row| attempt.claim_late(row, slot, lease_until, taken_up?));
        let claim = match late {
            Some(flow) => Ok(Claim::Claimed(flow)),
            None => self.flows.claim_in_turn(flow, slot, now, lease_until).await,
        };
        if !matches!(claim, Ok(Claim::Claimed(_))) {
            self.leave_turn(id, &mut attempt).await;
        }
        match claim? {
            Claim::Claimed(flow) => self.run(flow, attempt).await,
            Claim::Leased { until } | Claim::TooEarly { until } => {
                Ok(Outcome::Wait { until, row: None })
            }
            Claim::Settled(flow) => {
                note_settled(&*self.flows, &[&flow], now).await?;
                Ok(Outcome::Settled { content: None })
            }
            Claim::Unknown => {
                tracing::warn!(flow_id = %id, "message names no flow");
                Ok(Outcome::Gone)
            }
        }
    }

    /// How long it is until then; nothing if that is past.
    pub(super) fn time_until(&self, until: Timestamp) -> Duration {
        let wait = until.duration_since(self.clock.now());
        wait.try_into().unwrap_or(Duration::ZERO)
    }

    async fn run(&self, mut flow: Flow, mut attempt: Attempt) -> Result<Outcome, Unavailable> {
        match self.run_steps(&mut flow, &mut attempt).await {
            Ok(end) => {
                self.leave_turn(flow.id, &mut attempt).await;
                let finished = self.finish(flow, &mut attempt, end).await;
                if finished.is_err() {
                    self.remember_made(&mut attempt).await;
                }
                finished
            }
            Err(error) => {
                self.remember_made(&mut attempt).await;
                self.leave_turn(flow.id, &mut attempt).await;
                if attempt.late_claim.is_none() {
                    self.give_back(flow, attempt).await;
                }
                Err(error)
            }
        }
    }

    /// Gives back a flow whose attempt broke off, so that nobody has to wait for the end of its lease.
    /// The attempt counts only if it made a paid call, which stays open: it is not to be repeated without an end.
    async fn give_back(&self, mut flow: Flow, mut attempt: Attempt) {
        let mut report = attempt.report();
        let next_try = match report.call {
            CallEnd::NoCall | CallEnd::Taken(_) => NextTry::Same,
            CallEnd::Confirmed => NextTry::Another,
            CallEnd::Unconfirmed => {
                report.call = CallEnd::NoCall;
                NextTry::Another
            }
        };
        let now = self.clock.now();
        let deferral = Deferral {
            not_before: now,
            next_try,
            reason: Wait::Worker,
            last_failure: None,
        };
        let deferred = self
            .change(&mut flow, &mut attempt, move |row, fence| {
                row.defer(fence, deferral.clone(), report.clone(), now)
            })
            .await;
        if let Err(error) = deferred {
            tracing::warn!(
                flow_id = %flow.id,
                error = &error as &dyn std::error::Error,
                "flow was not given back"
            );
        }
    }
}

impl Waiting {
    fn is_for_content(self) -> bool {
        matches!(self, Self::CallerUntil(_, Products::AtHand))
    }

    fn goes_on(self) -> bool {
        match self {
            Self::Nobody => false,
            Self::CallerUntil(deadline, _) => Instant::now() < deadline,
        }
    }
}
