use async_trait::async_trait;

use crate::{TenantId, TenantLimits};

/// Says what each tenant may have. It is proved where callers are configured.
#[async_trait]
pub trait LimitsOfTenants: Send + Sync {
    /// What this tenant may have now. Where that can't be known, MUST answer the defaults.
    async fn limits(&self, tenant: &TenantId) -> TenantLimits;
}
