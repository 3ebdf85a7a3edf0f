use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assetmill_core::Shares;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// How long a connection must have been idle to make room for another. The request of one that was idle for less
/// may be on its way.
const IDLE_FOR: Duration = Duration::from_millis(100);

/// How many connections there may be at the same time, how many of one address, and on how many one tenant may have
/// requests. One more takes the place of the one that is idle longest.
#[derive(Debug, Clone)]
pub struct Connections {
    free: Arc<Semaphore>,
    of_one: usize,
    requests: Shares,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    by_address: HashMap<IpAddr, usize>,
    /// Those that have no request under way, in the order in which they became so.
    idle: BTreeMap<u64, Idle>,
    last_number: u64,
}

#[derive(Debug)]
struct Idle {
    since: Instant,
    leave: CancellationToken,
}

/// A connection of an address, which has no place yet.
#[derive(Debug)]
struct OfAddress {
    connections: Connections,
    address: IpAddr,
}

/// The place of a connection, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    of: OfAddress,
    leave: CancellationToken,
    /// Its number among those that are idle, or 0.
    idle: AtomicU64,
    _permit: Option<OwnedSemaphorePermit>,
}

/// A request of a connection, which is not idle until this is dropped.
#[derive(Debug)]
pub(super) struct InUse(Arc<Place>);

impl Connections {
    /// At most so many, and no more than half of them from one address. Behind a proxy on this machine everybody has the
    /// same address, so there the half is not counted.
    pub fn new(most: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(most)),
            of_one: (most / 2).max(1),
            requests: Shares::new(u64::MAX, u64::MAX),
            open: Arc::default(),
        }
    }

    /// The same, where there are several tenants, none of which has requests on more than three quarters of them.
    #[must_use]
    pub fn shared_by_tenants(self) -> Self {
        let most = self.free.available_permits() as u64;
        Self {
            requests: Shares::new(u64::MAX, most - (most / 4).max(1)),
            ..self
        }
    }

    /// The requests that are under way.
    pub(super) fn requests(&self) -> &Shares {
        &self.requests
    }

    /// A place for a connection of this address, as soon as there is one; none where the address has half of all
    /// already.
    pub(super) async fn place(&self, address: IpAddr) -> Option<Arc<Place>> {
        let of = self.count(address.to_canonical())?;
        let permit = self.permit().await;
        let place = Arc::new(Place {
            of,
            leave: CancellationToken::new(),
            idle: AtomicU64::new(0),
            _permit: permit,
        });
        place.becomes_idle();
        Some(place)
    }

    fn count(&self, address: IpAddr) -> Option<OfAddress> {
        let mut open = self.open();
        let count = open.by_address.entry(address).or_default();
        if *count >= self.of_one && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(OfAddress {
            connections: self.clone(),
            address,
        })
    }

    /// Never none: the semaphore is not closed.
    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if self.free.available_permits() == 0 {
                self.make_room();
            }
            let permit = self.free.clone().acquire_owned();
            // Another may have become idle.
            if let Ok(permit) = timeout(IDLE_FOR, permit).await {
                return permit.ok();
            }
        }
    }

    /// Has the connection leave that is idle longest.
    fn make_room(&self) {
        let mut open = self.open();
        if let Some(idle) = open.idle.first_entry()
            && idle.get().since.elapsed() >= IDLE_FOR
        {
            idle.remove().leave.cancel();
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Comes when the connection is to leave, since another needs its place.
    pub(super) async fn is_needed(&self) {
        self.leave.cancelled().await;
    }

    /// Whether no request is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed) != 0
    }

    /// A request begins.
    pub(super) fn in_use(self: &Arc<Self>) -> InUse {
        self.is_not_idle();
        InUse(self.clone())
    }

    fn becomes_idle(&self) {
        let mut open = self.of.connections.open();
        open.last_number += 1;
        let number = open.last_number;
        let leave = self.leave.clone();
        let since = Instant::now();
        open.idle.insert(number, Idle { since, leave });
        self.idle.store(number, Ordering::Relaxed);
    }

    fn is_not_idle(&self) {
        let number = self.idle.swap(0, Ordering::Relaxed);
        self.of.connections.open().idle.remove(&number);
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.becomes_idle();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.is_not_idle();
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.connections.open().by_address.entry(self.address) {
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

    async fn connect(connections: &Connections, address: &str) -> Option<Arc<Place>> {
        connections.place(address.parse().unwrap()).await
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

    #[tokio::test(start_paused = true)]
    async fn who_comes_when_all_are_in_use_waits() {
        let connections = Connections::new(2);
        let first = connect(&connections, "127.0.0.1").await.unwrap();
        let second = connect(&connections, "127.0.0.1").await.unwrap();
        let _requests = [first.in_use(), second.in_use()];
        drop(first);
        let third = connect(&connections, "127.0.0.1");
        assert!(timeout(Duration::from_mins(1), third).await.is_err());
        assert!(second.is_needed().now_or_never().is_none());
        assert_eq!(connections.open().by_address.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_is_idle_longest_makes_room() {
        let connections = Connections::new(3);
        let first = connect(&connections, "127.0.0.1").await.unwrap();
        let second = connect(&connections, "127.0.0.1").await.unwrap();
        let third = connect(&connections, "127.0.0.1").await.unwrap();
        let request = first.in_use();
        let busy = third.in_use();
        drop(request);
        let more = connect(&connections, "127.0.0.1");
        let leaves = async {
            second.is_needed().await;
            assert!(first.is_needed().now_or_never().is_none());
            drop(second);
        };
        let (more, ()) = tokio::join!(more, leaves);
        assert!(more.is_some_and(|more| more.is_idle()));
        drop(busy);
    }

    #[test]
    fn no_tenant_has_requests_on_more_than_three_quarters() {
        let requests = Connections::new(512).shared_by_tenants().requests;
        assert_eq!(requests.most(), 384);
        let least = Connections::new(2).shared_by_tenants().requests;
        assert_eq!(least.most(), 1);
    }
}
