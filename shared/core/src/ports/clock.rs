//! The time.

use std::time::Duration;

use jiff::Timestamp;

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
