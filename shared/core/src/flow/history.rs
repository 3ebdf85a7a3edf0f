//! What happened to a flow, kept in its row.

mod text;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::FailureCode;

/// How many of the first events are kept, and how many of the last.
const FIRST: usize = 8;
const LAST: usize = 24;

/// What happened to a flow, in order: the first 8 events and the last 24. Its serialised form is one short text,
/// since a row of DynamoDB above 1 KiB is written at twice the price
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct History {
    events: Vec<Event>,
    dropped: u32,
}

/// Something that happened to a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When, to the millisecond.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
    /// At which step, from 0.
    pub step: u8,
    /// In which attempt at that step, from 1; 0 where it belongs to none.
    pub attempt: u16,
}

/// What happened to a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// A worker took it up.
    Claimed,
    /// The asset, or what the step before made, is in the hands of the worker.
    Fetched,
    /// A paid call began.
    Sent,
    /// The vendor took it on as a job, which it is asked about from now on.
    Taken,
    /// The product of the step is kept.
    Stored,
    /// It waits.
    Waits {
        /// For what.
        reason: Wait,
        /// Until then at the least.
        until: Timestamp,
    },
    /// It has its output.
    Completed,
    /// It will have no output.
    Failed(FailureCode),
    /// The caller stopped it.
    Cancelled,
}

/// Why a flow rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The vendor asked for patience.
    VendorThrottled,
    /// The source asked for patience.
    SourceThrottled,
    /// Its turn at the host of the asset: the service spares it.
    SourcePaced,
    /// The vendor works on the job that it took on.
    VendorJob,
    /// Another flow is at the same paid work, and this one takes what it makes.
    SameWork,
    /// For another try, after this.
    Retry(FailureCode),
    /// For a worker that has the time for its next step.
    Worker,
    /// For its slot: the operation is asked for no more than its limits and the vendor allow.
    Rate,
    /// For a place: as many calls go on as the limits of the operation allow.
    Concurrency,
    /// For the vendor, which is down.
    VendorDown,
    /// For an operator, who stopped the operation.
    Paused,
}

impl History {
    /// Adds what happened. One wait after the other for the same reason is one event; of too many, some in the
    /// middle are left out.
    pub fn add(&mut self, event: Event) {
        if let Some(last) = self.events.last_mut()
            && event.continues(last)
        {
            last.what = event.what;
            return;
        }
        self.events.push(event);
        if self.events.len() > FIRST + LAST {
            self.events.remove(FIRST);
            self.dropped += 1;
        }
    }

    /// The events that are kept, the earliest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many are left out, after the first 8.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

impl FromIterator<Event> for History {
    fn from_iter<Events: IntoIterator<Item = Event>>(events: Events) -> Self {
        let mut history = Self::default();
        for event in events {
            history.add(event);
        }
        history
    }
}

impl Event {
    /// Whether it says of a wait that it goes on.
    fn continues(&self, before: &Self) -> bool {
        let same_wait = match (self.what, before.what) {
            (Happened::Waits { reason, .. }, Happened::Waits { reason: other, .. }) => {
                reason == other
            }
            _ => false,
        };
        same_wait && self.step == before.step && self.attempt == before.attempt
    }
}

impl Happened {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Fetched => "fetched",
            Self::Sent => "sent_to_vendor",
            Self::Taken => "taken_by_vendor",
            Self::Stored => "stored",
            Self::Waits { .. } => "waits",
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Wait {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VendorThrottled => "vendor_throttled",
            Self::SourceThrottled => "source_throttled",
            Self::SourcePaced => "source_paced",
            Self::VendorJob => "vendor_job",
            Self::SameWork => "same_work",
            Self::Retry(_) => "retry",
            Self::Worker => "worker",
            Self::Rate => "rate",
            Self::Concurrency => "concurrency",
            Self::VendorDown => "vendor_down",
            Self::Paused => "paused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64, what: Happened) -> Event {
        Event {
            at: Timestamp::from_second(second).unwrap(),
            what,
            step: 0,
            attempt: 1,
        }
    }

    fn waits(reason: Wait, second: i64) -> Event {
        let until = Timestamp::from_second(second + 5).unwrap();
        event(second, Happened::Waits { reason, until })
    }

    #[test]
    fn a_wait_that_goes_on_is_one_event() {
        let mut history = History::default();
        history.add(event(1, Happened::Taken));
        for second in 2..100 {
            history.add(waits(Wait::VendorJob, second));
        }
        history.add(waits(Wait::VendorThrottled, 100));
        let [_, job, _] = history.events() else {
            panic!("{history:?}");
        };
        assert_eq!(job.at, Timestamp::from_second(2).unwrap());
        let until = Timestamp::from_second(104).unwrap();
        let reason = Wait::VendorJob;
        assert_eq!(job.what, Happened::Waits { reason, until });
    }

    #[test]
    fn it_is_bounded_and_says_so() {
        let mut history = History::default();
        for second in 0..1_000 {
            history.add(event(second, Happened::Claimed));
        }
        assert_eq!(history.events().len(), FIRST + LAST);
        assert_eq!(history.dropped(), 1_000 - 32);
        let first = history.events()[FIRST - 1].at;
        assert_eq!(first, Timestamp::from_second(7).unwrap());
        let text = String::from(history.clone());
        assert!(text.len() < 512, "{} bytes", text.len());
        assert_eq!(History::try_from(text), Ok(history));
    }
}
