//! The memory of what is on its way: bodies that come, answers that go, and what is made of them.

use std::time::Duration;

use assetmill_core::{MAX_BATCH, Share, Shares, TenantId};

use crate::{ErrorCode, Problem};

/// How long a caller waits for memory that others of its requests hold, before it is told to come
/// again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The memory of a flow, in bytes: about a KiB, twice (the flow, and its row on the way to the store).
pub(crate) const FLOW_BYTES: u64 = 2 * 1024;
/// The memory that all flows of a batch take whose number is not known yet.
pub(crate) const MEMORY_OF_A_BATCH: u64 = MAX_BATCH as u64 * FLOW_BYTES;

/// The memory of everything that is on its way, of which no tenant gets more than half: one that asks
/// for much and reads nothing leaves the others theirs. Clones are the same memory.
#[derive(Debug, Clone)]
pub struct InFlight(Shares);

/// What one tenant may have on its way.
#[derive(Debug, Clone)]
pub struct TenantInFlight {
    memory: Shares,
    tenant: TenantId,
}

impl InFlight {
    /// So many bytes in all.
    pub fn new(bytes: u64) -> Self {
        Self(Shares::new(bytes, bytes / 2))
    }

    /// No bound worth the name: for a process that has one request at a time, such as a Lambda.
    pub fn unbounded() -> Self {
        Self::new(u64::MAX)
    }

    /// What a tenant may have.
    pub fn of(&self, tenant: &TenantId) -> TenantInFlight {
        TenantInFlight {
            memory: self.0.clone(),
            tenant: tenant.clone(),
        }
    }
}

impl TenantInFlight {
    /// How many bytes it may have, free or not.
    pub fn bytes(&self) -> u64 {
        self.memory.most()
    }

    /// So many bytes, if they are free now.
    ///
    /// # Errors
    /// The problem `busy` if they are not.
    pub fn try_hold(&self, bytes: u64) -> Result<Share, Problem> {
        self.memory.try_take(&self.tenant, bytes).ok_or_else(busy)
    }

    /// Waits until so many bytes are free; whoever asks for more than there are gets all of them.
    ///
    /// # Errors
    /// The problem `busy` if they are not free within ten seconds.
    pub async fn hold(&self, bytes: u64) -> Result<Share, Problem> {
        tokio::time::timeout(PATIENCE, self.memory.take(&self.tenant, bytes))
            .await
            .map_err(|_| busy())
    }
}

/// The problem of memory that is not free.
pub(crate) fn busy() -> Problem {
    Problem::new(
        ErrorCode::Busy,
        "what you have under way leaves no memory for more; read the answers to your other requests, \
         or wait for them, and send this again",
    )
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    #[tokio::test]
    async fn no_tenant_gets_more_than_half() {
        let memory = InFlight::new(64 * 1024);
        let greedy = memory.of(&tenant("greedy"));
        let most = greedy.try_hold(32 * 1024).unwrap();
        let refused = memory.of(&tenant("greedy")).try_hold(1).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Busy);
        let other = memory.of(&tenant("other")).hold(32 * 1024).await;
        assert!(other.is_ok());
        assert!(memory.of(&tenant("third")).try_hold(1).is_err());
        drop(most);
        assert!(memory.of(&tenant("third")).try_hold(1).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_waited_for_and_not_for_ever() {
        let share = InFlight::new(64 * 1024).of(&tenant("a"));
        let held = share.hold(u64::MAX).await.unwrap().hold(Bytes::from("x"));
        let refused = share.hold(1).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Busy);
        let (waited, ()) = tokio::join!(share.hold(1), async move { drop(held) });
        assert!(waited.is_ok());
    }
}
