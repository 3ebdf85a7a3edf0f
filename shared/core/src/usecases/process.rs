//! One attempt at one flow.

mod conclude;
mod make;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::completion::note_settled;
use crate::ports::{
    Clock, FlowChanges as _, FlowWrites, OutputWrites, Sources, Unavailable, Works,
};
use crate::{CallEnd, Catalogue, Claim, Deferral, Flow, FlowId, NextTry};

/// Processes flows, one attempt at a time.
///
/// The timeline of an attempt: claim the flow; fetch the asset; find or claim the work; note that a
/// paid call begins; run the operation; store the output; remember the work; settle the flow; tally
/// it. A crash between any two is mended by the next attempt, which the queue brings.
#[derive(Clone)]
pub struct Process {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// Where assets come from.
    pub sources: Arc<dyn Sources>,
    /// What was made already.
    pub works: Arc<dyn Works>,
    /// Where outputs go.
    pub outputs: Arc<dyn OutputWrites>,
    /// What can be made.
    pub catalogue: Catalogue,
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
}

/// Whether somebody waits for what comes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Nobody does: the flow came from the queue.
    Nobody,
    /// A caller does, until then. What can't get better soon is told at once.
    CallerUntil(Instant),
}

/// How an attempt began.
#[derive(Debug, Clone, Copy)]
struct Beginning {
    claimed_at: Timestamp,
    waiting: Waiting,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            operation: Duration::from_secs(130),
            lease: Duration::from_mins(3),
            patience: Duration::from_hours(24),
            source_patience: Duration::from_mins(15),
        }
    }
}

/// What comes after an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Nothing: the flow is settled and tallied.
    Settled,
    /// Another attempt, not before this time.
    Wait {
        /// When.
        until: Timestamp,
    },
    /// Nothing: there is no such flow.
    Gone,
}

impl Process {
    /// Makes one attempt at a flow, unless it is settled, held by another worker, or not due.
    pub async fn attempt(&self, id: FlowId, waiting: Waiting) -> Result<Step, Unavailable> {
        let now = self.clock.now();
        let beginning = Beginning {
            claimed_at: now,
            waiting,
        };
        match self.flows.claim(id, now, now + self.limits.lease).await? {
            Claim::Claimed(flow) => self.run(flow, beginning).await,
            Claim::Leased { until } | Claim::TooEarly { until } => Ok(Step::Wait { until }),
            Claim::Settled(flow) => {
                note_settled(&*self.flows, &[&flow], now).await?;
                Ok(Step::Settled)
            }
            Claim::Unknown => {
                tracing::warn!(flow_id = %id, "message names no flow");
                Ok(Step::Gone)
            }
        }
    }

    /// How long it is until then; nothing if that is past.
    pub(super) fn time_until(&self, until: Timestamp) -> Duration {
        let wait = until.duration_since(self.clock.now());
        wait.try_into().unwrap_or(Duration::ZERO)
    }

    async fn run(&self, flow: Flow, beginning: Beginning) -> Result<Step, Unavailable> {
        let mut call = CallEnd::NoCall;
        match self.make(&flow, &mut call).await {
            Ok(end) => self.conclude(&flow, beginning, end, call).await,
            Err(error) => {
                self.give_back(&flow, call).await;
                Err(error)
            }
        }
    }

    /// Gives back a flow whose attempt broke off, so that nobody has to wait for the end of its lease.
    /// The attempt counts only if it made a paid call: that is not to be repeated without an end.
    async fn give_back(&self, flow: &Flow, call: CallEnd) {
        let next_try = match call {
            CallEnd::NoCall => NextTry::Same,
            CallEnd::Confirmed | CallEnd::Unconfirmed => NextTry::Another,
        };
        let deferral = Deferral {
            not_before: self.clock.now(),
            next_try,
            last_failure: None,
        };
        let deferred = self.flows.defer(flow.id, flow.fence, deferral, call).await;
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
    fn goes_on(self) -> bool {
        match self {
            Self::Nobody => false,
            Self::CallerUntil(deadline) => Instant::now() < deadline,
        }
    }
}
