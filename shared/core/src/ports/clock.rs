//! The time.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in whole milliseconds, which is what rows keep.
    fn now(&self) -> Timestamp;

    /// A time by which `wait` has passed for certain: since [`now`](Self::now) is in whole
    /// milliseconds, it may be up to one behind.
    fn after(&self, wait: Duration) -> Timestamp {
        if wait.is_zero() {
            return self.now();
        }
        self.now() + wait + Duration::from_millis(1)
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        // Milliseconds of a valid time are a valid time.
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// A clock that began with another and counts time by itself from then on: setting the other moves it not. For what is
/// to happen after a time, and not at one.
#[derive(Debug, Clone, Copy)]
pub struct SteadyClock {
    began_at: Timestamp,
    began: Instant,
}

impl SteadyClock {
    /// One that begins with what `clock` says now.
    pub fn begun_by(clock: &dyn Clock) -> Self {
        Self {
            began_at: clock.now(),
            began: Instant::now(),
        }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let now = self.began_at + self.began.elapsed();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}
