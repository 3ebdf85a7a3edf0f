//! How much is asked of one host.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// The most that the fetches of one process ask of one host together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginLimits {
    /// Requests at the same time; each holds a connection, or a stream of one (HTTP/2).
    pub connections: NonZeroUsize,
    /// Requests in a second.
    pub rate: NonZeroU32,
}

impl OriginLimits {
    /// 16 at the same time.
    pub const DEFAULT_CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);
    /// 100 in a second.
    pub const DEFAULT_RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

    /// The time between two requests.
    pub(super) fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.rate.get()
    }

    /// The time between two requests to a host that holds each for so long.
    pub(super) fn pace(&self, held: Duration) -> Duration {
        let connections = u32::try_from(self.connections.get()).unwrap_or(u32::MAX);
        self.interval().max(held / connections)
    }
}

impl Default for OriginLimits {
    fn default() -> Self {
        Self {
            connections: Self::DEFAULT_CONNECTIONS,
            rate: Self::DEFAULT_RATE,
        }
    }
}
