use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many connections there may be at the same time, and how many of one address: half of them. Behind a
/// proxy on this machine everybody has the same address, so there the half is not counted.
#[derive(Debug, Clone)]
pub struct Connections {
    free: Arc<Semaphore>,
    of_one: usize,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place for one more connection, whosever it will be.
#[derive(Debug)]
pub(super) struct Place {
    connections: Connections,
    _permit: Option<OwnedSemaphorePermit>,
}

/// The place of a connection, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    place: Place,
    address: IpAddr,
}

impl Connections {
    /// At most so many.
    pub fn new(most: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(most)),
            of_one: (most / 2).max(1),
            by_address: Arc::default(),
        }
    }

    /// Waits until there is a place. Who connects meanwhile waits in the system's queue.
    pub(super) async fn place(&self) -> Place {
        Place {
            // The semaphore is never closed.
            _permit: self.free.clone().acquire_owned().await.ok(),
            connections: self.clone(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Gives the place to an address, unless it has half of all already.
    pub(super) fn of(self, address: IpAddr) -> Option<Taken> {
        let address = address.to_canonical();
        {
            let mut counts = self.connections.counts();
            let count = counts.entry(address).or_default();
            if *count >= self.connections.of_one && !address.is_loopback() {
                return None;
            }
            *count += 1;
        }
        Some(Taken {
            place: self,
            address,
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.place.connections.counts().entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    async fn connect(connections: &Connections, address: &str) -> Option<Taken> {
        connections.place().await.of(address.parse().unwrap())
    }

    #[tokio::test]
    async fn one_address_leaves_half_to_the_others() {
        let connections = Connections::new(4);
        let first = connect(&connections, "192.0.2.1").await.unwrap();
        let _second = connect(&connections, "192.0.2.1").await.unwrap();
        assert!(connect(&connections, "192.0.2.1").await.is_none());
        assert!(connect(&connections, "::ffff:192.0.2.1").await.is_none());
        let _other = connect(&connections, "192.0.2.2").await.unwrap();
        drop(first);
        assert!(connect(&connections, "192.0.2.1").await.is_some());
    }

    #[tokio::test]
    async fn who_comes_when_all_are_taken_waits() {
        let connections = Connections::new(2);
        let first = connect(&connections, "127.0.0.1").await.unwrap();
        let _second = connect(&connections, "127.0.0.1").await.unwrap();
        assert!(connections.place().now_or_never().is_none());
        drop(first);
        assert!(connections.place().now_or_never().is_some());
        assert_eq!(connections.counts().len(), 1);
    }
}
