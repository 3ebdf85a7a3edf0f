//! How much is asked of one host.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// The most that the fetches of one process for one tenant ask of one host together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginLimits {
    /// Requests at the same time; each holds a connection, or a stream of one (HTTP/2). Others may have a
    /// quarter more together: whoever comes to a host that keeps another tenant waiting finds a place.
    pub connections: NonZeroUsize,
    /// Requests in a second, whatever tenants they are for.
    pub rate: NonZeroU32,
}

impl OriginLimits {
    /// 16 at the same time.
    pub const DEFAULT_CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);
    /// 100 in a second.
    pub const DEFAULT_RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

    /// The most requests at the same time for all tenants together.
    pub(super) fn connections_of_all(&self) -> usize {
        self.connections.get() + self.connections.get().div_ceil(4)
    }

    /// What one of so many tenants may have of them, who ask at the same time.
    pub(super) fn of_one_in(&self, tenants: u32) -> Self {
        let tenants = tenants.max(1);
        let connections = self.connections_of_all() / tenants as usize;
        let connections = connections.min(self.connections.get());
        Self {
            connections: NonZeroUsize::new(connections).unwrap_or(NonZeroUsize::MIN),
            rate: NonZeroU32::new(self.rate.get() / tenants).unwrap_or(NonZeroU32::MIN),
        }
    }

    /// How many requests may go in such a time; one at the least.
    pub(super) fn in_a(&self, time: Duration) -> usize {
        let turns = time.as_nanos() / self.interval().as_nanos().max(1);
        usize::try_from(turns).unwrap_or(usize::MAX).max(1)
    }

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
