//! What becomes of a wish to change a flow, and what such wishes say.

use jiff::Timestamp;

use super::{Event, Flow, OpenJob, Output, Wait};
use crate::Failure;

/// What became of a wish to claim a flow.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The flow, now running, for the caller alone.
    Claimed(Flow),
    /// Another worker holds it until then.
    Leased {
        /// When the lease ends.
        until: Timestamp,
    },
    /// It is not due before then.
    TooEarly {
        /// When it is due.
        until: Timestamp,
    },
    /// It is settled already.
    Settled(Flow),
    /// There is no such flow.
    Unknown,
}

/// Whether the caller still held the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fenced {
    /// It did, and the change was made.
    Done,
    /// It did not: nothing was changed.
    Lost,
}

/// How a flow ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// With an output, which is stored already.
    Completed(Output),
    /// Without one.
    Failed(Failure),
}

/// How a flow goes back to waiting.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferral {
    /// When it is due again.
    pub not_before: Timestamp,
    /// Whether the attempt counts.
    pub next_try: NextTry,
    /// What it waits for.
    pub reason: Wait,
    /// What kept the attempt from its output, if anything went wrong.
    pub last_failure: Option<Failure>,
}

/// Whether a deferred attempt counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTry {
    /// The attempt was used up; the next one is another.
    Another,
    /// The attempt was not used: `attempts` goes back by one.
    Same,
    /// The attempt, the flow's first, did not even begin: `attempts` goes back by one, and `started_at`
    /// to nothing.
    First,
}

/// What an attempt has to tell along with a change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// What is known of the call that it made.
    pub call: CallEnd,
    /// What happened since its last change, in order.
    pub events: Vec<Event>,
}

impl From<CallEnd> for Report {
    /// Nothing happened but the end of the call.
    fn from(call: CallEnd) -> Self {
        Self {
            call,
            events: Vec::new(),
        }
    }
}

/// What is known of the call that [`Flow::begin_call`](super::Flow::begin_call) announced.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum CallEnd {
    /// No call was announced by this attempt, or nothing is known of it yet: what the row says of it stays.
    #[default]
    NoCall,
    /// The vendor took it on, and it goes on: the call stays open.
    Taken(Box<OpenJob>),
    /// It ended, and how is known: `unconfirmed_calls` goes back by one.
    Confirmed,
    /// It may or may not have been charged.
    Unconfirmed,
}

/// What became of a wish to cancel a flow.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancellation {
    /// It is cancelled now.
    Cancelled(Flow),
    /// It was running or settled, and still is.
    Unchanged(Flow),
    /// There is no such flow for this tenant.
    Unknown,
}
