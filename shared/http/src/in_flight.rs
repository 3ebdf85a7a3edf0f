//! The memory of what is on its way: bodies that come, answers that go, and what is made of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assetmill_core::{Memory, Reservation, TenantId};
use bytes::Bytes;

use crate::{ErrorCode, Problem};

/// How long a caller waits for memory that others of its requests hold, before it is told to come
/// again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The memory of everything that is on its way, of which no tenant gets more than half: one that asks
/// for much and reads nothing leaves the others theirs. Clones are the same memory.
#[derive(Debug, Clone)]
pub struct InFlight {
    all: Memory,
    // As many as have keys, and never a caller's invention.
    tenants: Arc<Mutex<HashMap<TenantId, Memory>>>,
}

/// What one tenant may hold.
#[derive(Debug, Clone)]
pub struct Share {
    all: Memory,
    own: Memory,
}

/// A part of a [`Share`], given back when it is dropped.
#[derive(Debug)]
pub struct Hold {
    all: Reservation,
    own: Reservation,
}

impl InFlight {
    /// So many bytes in all.
    pub fn new(bytes: u64) -> Self {
        Self {
            all: Memory::new(bytes),
            tenants: Arc::default(),
        }
    }

    /// No bound worth the name: for a process that has one request at a time, such as a Lambda.
    pub fn unbounded() -> Self {
        Self::new(u64::MAX)
    }

    /// The share of a tenant.
    pub fn share(&self, tenant: &TenantId) -> Share {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let own = match tenants.get(tenant) {
            Some(own) => own.clone(),
            None => tenants
                .entry(tenant.clone())
                .or_insert_with(|| Memory::new(self.all.bytes() / 2))
                .clone(),
        };
        Share {
            all: self.all.clone(),
            own,
        }
    }
}

impl Share {
    /// How many bytes it has, free or not.
    pub fn bytes(&self) -> u64 {
        self.own.bytes()
    }

    /// So many bytes, if they are free now.
    ///
    /// # Errors
    /// The problem `busy` if they are not.
    pub fn try_hold(&self, bytes: u64) -> Result<Hold, Problem> {
        let own = self.own.try_reserve(bytes).ok_or_else(busy)?;
        let all = self.all.try_reserve(bytes).ok_or_else(busy)?;
        Ok(Hold { all, own })
    }

    /// Waits until so many bytes are free; whoever asks for more than there are gets all of them.
    ///
    /// # Errors
    /// The problem `busy` if they are not free within ten seconds.
    pub async fn hold(&self, bytes: u64) -> Result<Hold, Problem> {
        let bytes = bytes.min(self.bytes());
        let both = async {
            let own = self.own.reserve(bytes).await;
            let all = self.all.reserve(bytes).await;
            Hold { all, own }
        };
        tokio::time::timeout(PATIENCE, both)
            .await
            .map_err(|_| busy())
    }
}

impl Hold {
    /// Adds another part of the same share.
    pub fn add(&mut self, other: Self) {
        self.all.add(other.all);
        self.own.add(other.own);
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.own.bytes()
    }

    /// Gives back all but so many bytes.
    pub fn shrink_to(&mut self, bytes: u64) {
        self.all.shrink_to(bytes);
        self.own.shrink_to(bytes);
    }

    /// The content, which keeps the memory until the last of its clones is dropped.
    #[must_use]
    pub fn keep(self, content: Bytes) -> Bytes {
        self.own.hold(self.all.hold(content))
    }
}

fn busy() -> Problem {
    Problem::new(
        ErrorCode::Busy,
        "what you have under way leaves no memory for more; read the answers to your other requests, \
         or wait for them, and send this again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    #[tokio::test]
    async fn no_tenant_gets_more_than_half() {
        let memory = InFlight::new(64 * 1024);
        let greedy = memory.share(&tenant("greedy"));
        let most = greedy.try_hold(32 * 1024).unwrap();
        let refused = memory.share(&tenant("greedy")).try_hold(1).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Busy);
        let other = memory.share(&tenant("other")).hold(32 * 1024).await;
        assert!(other.is_ok());
        assert!(memory.share(&tenant("third")).try_hold(1).is_err());
        drop(most);
        assert!(memory.share(&tenant("third")).try_hold(1).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_waited_for_and_not_for_ever() {
        let share = InFlight::new(64 * 1024).share(&tenant("a"));
        let held = share.hold(u64::MAX).await.unwrap().keep(Bytes::from("x"));
        let refused = share.hold(1).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Busy);
        let (waited, ()) = tokio::join!(share.hold(1), async move { drop(held) });
        assert!(waited.is_ok());
    }
}
