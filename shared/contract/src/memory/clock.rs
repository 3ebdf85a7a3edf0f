use assetmill_core::ports::Clock;
use jiff::Timestamp;
use tokio::time::Instant;

/// A clock that goes with the runtime's: paused where that is paused, so that hours of waiting take
/// no time.
#[derive(Debug)]
pub struct RuntimeClock(Instant);

impl Default for RuntimeClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.0.elapsed()
    }
}
