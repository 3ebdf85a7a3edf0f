//! Masks: what a vendor's result may be instead of a picture.

use assetmill_core::{OperationError, Product, TenantId};
use async_trait::async_trait;
use bytes::Bytes;

/// Cuts assets out by masks that vendors answer with ([`ResultRole::Mask`](crate::ResultRole::Mask)). A client of
/// HTTP decodes no pictures, so whoever does is handed to it.
#[async_trait]
pub trait CutOut: Send + Sync {
    /// The asset as a picture that is as opaque as the mask is bright at each place.
    ///
    /// # Errors
    /// A permanent error when the asset is no picture that can be read, or takes too much;
    /// [`FailureCode::VendorResponseInvalid`](assetmill_core::FailureCode::VendorResponseInvalid) when the mask is
    /// none.
    async fn cut_out(
        &self,
        tenant: &TenantId,
        asset: Bytes,
        mask: Bytes,
    ) -> Result<Product, OperationError>;
}
