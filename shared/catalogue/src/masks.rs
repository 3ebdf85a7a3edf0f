//! Vendors' masks, cut out where pictures are worked on.

use assetmill_core::{OperationError, Product, TenantId};
use assetmill_images::Codecs;
use assetmill_vendors::CutOut;
use async_trait::async_trait;
use bytes::Bytes;

/// The codecs, as vendors ask for them.
pub(super) struct Masks(pub(super) Codecs);

#[async_trait]
impl CutOut for Masks {
    async fn cut_out(
        &self,
        tenant: &TenantId,
        asset: Bytes,
        mask: Bytes,
    ) -> Result<Product, OperationError> {
        self.0.cut_out(tenant, asset, mask).await
    }
}
