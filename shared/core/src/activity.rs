//! What happened in a time, counted.

use std::time::Duration;

use jiff::Timestamp;

use crate::{Flow, FlowState, Status};

/// What happened in a time, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    /// Flows that came to have their output.
    pub completed: u64,
    /// Flows that failed, those too whose URL was refused.
    pub failed: u64,
    /// Flows that their callers stopped.
    pub cancelled: u64,
    /// Calls of paid operations that came to an end and are not known to have cost nothing: those whose product was
    /// kept, and those whose end nobody learnt
    /// ([`unconfirmed_calls`](Flow::unconfirmed_calls)). A call that the vendor refused is none, nor is one whose
    /// output was there already. One that is under way counts when it has ended, a job when it is done.
    pub paid_calls: u64,
}

impl Activity {
    /// What a change of a flow's row comes to.
    pub fn of_change(before: &Flow, after: &Flow) -> Self {
        let mut activity = Self::default();
        if before.state().is_settled() {
            return activity;
        }
        activity.count(after.state());
        let (was, is) = (&before.progress, &after.progress);
        let begun_again = after.unconfirmed_calls > before.unconfirmed_calls;
        let ended = was.open_call && (!is.open_call || begun_again);
        let confirmed = after.unconfirmed_calls < before.unconfirmed_calls;
        let has_product = matches!(after.status, Status::Completed { .. })
            || is.products.len() > was.products.len();
        if ended && (has_product || !confirmed) {
            activity.paid_calls = 1;
        }
        activity
    }

    /// What it comes to that a flow exists: something if it is settled already.
    pub fn of_new(flow: &Flow) -> Self {
        let mut activity = Self::default();
        activity.count(flow.state());
        activity
    }

    /// Whether nothing happened.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            completed: self.completed.saturating_add(other.completed),
            failed: self.failed.saturating_add(other.failed),
            cancelled: self.cancelled.saturating_add(other.cancelled),
            paid_calls: self.paid_calls.saturating_add(other.paid_calls),
        }
    }

    fn count(&mut self, state: FlowState) {
        match state {
            FlowState::Completed => self.completed += 1,
            FlowState::Failed => self.failed += 1,
            FlowState::Cancelled => self.cancelled += 1,
            FlowState::Pending | FlowState::Running => {}
        }
    }
}

/// A time of [`LENGTH`](Self::LENGTH) that [`Activity`] is counted in. Intervals begin at whole multiples of it since
/// 1970, for everybody the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityInterval(i64);

const SECONDS: i64 = 300;

impl ActivityInterval {
    /// How long each is.
    pub const LENGTH: Duration = Duration::from_secs(SECONDS.unsigned_abs());

    /// The one that this time is in.
    pub fn of(time: Timestamp) -> Self {
        Self(time.as_second().div_euclid(SECONDS))
    }

    /// When it begins.
    pub fn start(self) -> Timestamp {
        // Only those before the first time there is begin before it.
        Timestamp::from_second(self.0.saturating_mul(SECONDS)).unwrap_or(Timestamp::MIN)
    }

    /// How many of them began since 1970, before this one.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The one with this [`number`](Self::number).
    pub fn numbered(number: i64) -> Self {
        Self(number)
    }
}
