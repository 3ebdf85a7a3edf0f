use std::collections::HashMap;
use std::sync::Mutex;

use assetmill_core::ports::{IdempotencyKeys, Unavailable};
use assetmill_core::{IdempotencyKey, KeyClaim, TenantId};
use async_trait::async_trait;
use jiff::Timestamp;

/// Keys of requests in memory.
#[derive(Debug, Default)]
pub struct MemoryIdempotencyKeys(Mutex<HashMap<(TenantId, IdempotencyKey), KeyClaim>>);

#[async_trait]
impl IdempotencyKeys for MemoryIdempotencyKeys {
    async fn find(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<KeyClaim>, Unavailable> {
        let claims = self.0.lock().unwrap();
        let claim = claims.get(&(tenant.clone(), key.clone()));
        Ok(claim.filter(|claim| !claim.is_expired(now)).cloned())
    }

    async fn claim(&self, key: &IdempotencyKey, claim: &KeyClaim) -> Result<KeyClaim, Unavailable> {
        let mut claims = self.0.lock().unwrap();
        claims.retain(|_, earlier| !earlier.is_expired(claim.batch.created_at));
        let place = (claim.batch.tenant.clone(), key.clone());
        Ok(claims.entry(place).or_insert_with(|| claim.clone()).clone())
    }
}
