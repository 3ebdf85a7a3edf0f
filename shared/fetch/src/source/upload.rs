//! Assets that were uploaded.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{OutputLinks, OutputWrites, Unavailable};
use assetmill_core::{Asset, AssetUrl, Failure, FailureCode, OperationError, OutputKey, TenantId};
use bytes::Bytes;

use super::Fetcher;
use super::answer::Size;

/// How long the URL works that a vendor is given of an upload.
const VENDORS_HAVE: Duration = Duration::from_hours(1);
/// When a flow comes again that found no room.
const NO_ROOM: Duration = Duration::from_secs(1);

/// Where uploads are.
#[derive(Clone)]
pub(super) struct Uploads {
    stored: Arc<dyn OutputWrites>,
    links: Arc<dyn OutputLinks>,
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads").finish_non_exhaustive()
    }
}

impl Fetcher {
    /// Takes what was uploaded from here. A vendor that is told the URL of its asset is told one of `links`.
    #[must_use]
    pub fn with_uploads(self, stored: Arc<dyn OutputWrites>, links: Arc<dyn OutputLinks>) -> Self {
        Self {
            uploads: Some(Uploads { stored, links }),
            ..self
        }
    }

    /// What a tenant uploaded, within the same bounds as what is fetched for it. What is not what its name says is as
    /// good as nothing: not every store checks what is sent to it.
    pub(super) async fn upload(
        &self,
        tenant: &TenantId,
        url: &AssetUrl,
        key: &OutputKey,
    ) -> Result<Asset, OperationError> {
        let gone = || {
            OperationError::permanent(
                FailureCode::SourceNotFound,
                format!(
                    "nothing is stored as {url}: it was never sent or not in time, or it is gone; upload it again"
                ),
            )
        };
        let Uploads { stored, links } = self.uploads.as_ref().ok_or_else(gone)?;
        let size = stored
            .size(key)
            .await
            .map_err(|error| unavailable(&error))?;
        let size = size.ok_or_else(gone)?;
        if size > self.limits.max_bytes {
            return Err(OperationError::permanent(
                FailureCode::AssetTooLarge,
                format!(
                    "the upload is larger than {}; use a smaller one, or ask the operator to raise \
                     ASSETMILL_MAX_ASSET_BYTES or the asset_bytes of your tenant",
                    Size(self.limits.max_bytes)
                ),
            ));
        }
        let room = self.room.for_one(tenant, Some(size)).await;
        let room = room.ok_or_else(no_room)?;
        let content = stored.get(key).await.map_err(|error| unavailable(&error))?;
        let content = content.ok_or_else(gone)?;
        if !is_named(key, &content).await {
            tracing::warn!(%tenant, key = key.as_str(), "upload is not what its name says");
            return Err(OperationError::permanent(
                FailureCode::SourceNotFound,
                format!("what was sent as {url} has another SHA-256; upload it again"),
            ));
        }
        let link = links
            .link(key, VENDORS_HAVE)
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(Asset {
            // One that is no URL of an asset is of no use to anybody else.
            url: link.url.as_str().parse().unwrap_or_else(|_| url.clone()),
            content: room.hold(content),
        })
    }
}

/// Some 100 ms for the largest: others go on meanwhile.
async fn is_named(key: &OutputKey, content: &Bytes) -> bool {
    let (key, content) = (key.clone(), content.clone());
    let named = tokio::task::spawn_blocking(move || key.names(&content));
    named.await.unwrap_or(false)
}

fn no_room() -> OperationError {
    OperationError::Paced {
        failure: Failure::transient(
            FailureCode::SourceThrottled,
            "the upload has its turn once other assets are done with",
        ),
        retry_after: NO_ROOM,
    }
}

fn unavailable(error: &Unavailable) -> OperationError {
    tracing::error!(
        dependency = error.dependency,
        error = error as &dyn std::error::Error,
        "upload can't be read"
    );
    OperationError::Transient(Failure::transient(
        FailureCode::SourceUnavailable,
        "the store of uploads does not answer; try again later",
    ))
}
