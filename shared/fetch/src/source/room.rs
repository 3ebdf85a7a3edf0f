//! The memory that assets take.

use std::time::Duration;

use assetmill_core::{Share, Shares, TenantId};
use tokio::time::timeout;

use crate::Memory;

/// An asset weighs what it is, what is sent of it, and what comes back.
const WEIGHT: u64 = 3;
/// How large an asset is taken to be that does not say so, in bytes; it grows as it comes.
const UNSAID: u64 = 256 * 1024;
/// How long a fetch waits for room, with a connection in its hands: less than it has for all of it.
const LONGEST: Duration = Duration::from_secs(10);

/// The memory that assets take, in fair shares.
#[derive(Debug, Clone)]
pub(super) struct Room {
    memory: Shares,
    /// The most bytes of an asset.
    largest: u64,
}

impl Room {
    /// Room in this memory for assets of at most `largest` bytes.
    pub(super) fn new(memory: &Memory, largest: u64) -> Self {
        let memory = memory.room().clone();
        Self { memory, largest }
    }

    /// Room for an asset that says that it has `length` bytes, or says nothing. `None` if there is none for long.
    pub(super) async fn for_one(&self, tenant: &TenantId, length: Option<u64>) -> Option<Share> {
        self.take(tenant, length.unwrap_or(UNSAID)).await
    }

    /// Room for an asset of any size.
    pub(super) async fn for_largest(&self, tenant: &TenantId) -> Option<Share> {
        self.take(tenant, self.largest).await
    }

    async fn take(&self, tenant: &TenantId, length: u64) -> Option<Share> {
        timeout(LONGEST, self.memory.take(tenant, self.weight(length)))
            .await
            .ok()
    }

    /// Whether there is room for `length` bytes in all: at once, as whoever waits holding some keeps others waiting.
    pub(super) fn grow(&self, share: &mut Share, length: u64) -> bool {
        let needed = self.weight(length);
        let more = needed.saturating_sub(share.amount());
        if more == 0 {
            return true;
        }
        // In few steps, but no more than there is.
        let doubled = self.weight(length.saturating_mul(2)) - share.amount();
        share.try_grow(doubled) || share.try_grow(more)
    }

    /// Gives back what an asset of `length` bytes does not weigh.
    pub(super) fn fit(&self, share: &mut Share, length: u64) {
        share.shrink_to(self.weight(length));
    }

    /// One that would weigh more than a tenant may have takes all of that.
    fn weight(&self, length: u64) -> u64 {
        let length = length.min(self.largest);
        length.saturating_mul(WEIGHT).min(self.memory.most())
    }
}
