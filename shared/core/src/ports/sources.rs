//! Where assets come from.

use async_trait::async_trait;

use crate::{Asset, AssetUrl, OperationError, TenantId};

/// Fetches assets.
#[async_trait]
pub trait Sources: Send + Sync {
    /// Fetches an asset. MUST NOT connect to an address that callers should not reach, whatever
    /// the URL's host resolves to and wherever it redirects; MUST bound the bytes, the redirects
    /// and the time that it takes; MUST answer a whole, non-empty asset or an error. Of what all tenants
    /// share, such as what a host may be asked, it SHOULD leave the others of `tenant` their share.
    async fn fetch(&self, tenant: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError>;
}
