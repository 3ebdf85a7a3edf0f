//! Which requests were made already.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Unavailable;
use crate::{IdempotencyKey, KeyClaim, TenantId};

/// Remembers what tenants began under keys of their own, for [`IdempotencyKey::KEPT_FOR`]. What is older takes no
/// room for ever.
#[async_trait]
pub trait IdempotencyKeys: Send + Sync {
    /// What the tenant began under this key. MUST see every claim answered before. MUST answer `None` for a key that
    /// nobody or another tenant claimed, and for a claim that [is expired](KeyClaim::is_expired) by `now`.
    async fn find(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<KeyClaim>, Unavailable>;

    /// Claims a key for the tenant of the batch, unless it was: answers the claim that stands afterwards, which is
    /// `claim` or the one before it. Of several claims at the same time exactly one MUST win, and all MUST be
    /// answered with that one. A claim that is expired when the batch is created MUST be replaced.
    async fn claim(&self, key: &IdempotencyKey, claim: &KeyClaim) -> Result<KeyClaim, Unavailable>;
}
