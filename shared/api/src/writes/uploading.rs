//! Keeping what callers upload.

use assetmill_core::ports::LimitsOfTenants as _;
use assetmill_core::{MediaType, OutputKey, Sha256Digest, TenantId};
use axum::body::Body;
use http::HeaderMap;

use crate::Problem;
use crate::body;
use crate::views::UploadView;
use crate::writes::WriteState;

/// Keeps the bytes of a body for a tenant.
pub(crate) async fn uploaded(
    state: &WriteState,
    tenant: &TenantId,
    headers: &HeaderMap,
    body: Body,
) -> Result<UploadView, Problem> {
    let limits = state.callers.limits(tenant).await;
    let own = limits
        .asset_bytes
        .and_then(|bytes| usize::try_from(bytes).ok());
    let most = own.map_or(state.uploads.max_bytes, |own| {
        own.min(state.uploads.max_bytes)
    });
    let memory = state.in_flight.of(tenant);
    let content = body::whole(headers, body, &memory, most).await?;
    let media_type = MediaType::of_content(&content);
    let hashed = content.clone();
    // Some 100 ms for the largest: others go on meanwhile.
    let sha256 = tokio::task::spawn_blocking(move || Sha256Digest::of(&hashed));
    let sha256 = sha256.await.map_err(|_| Problem::internal())?;
    let key = OutputKey::new(tenant, &sha256, &media_type);
    let bytes = content.len() as u64;
    state.outputs.put(&key, content, &media_type).await?;
    tracing::info!(%tenant, bytes, media_type = media_type.as_str(), "asset uploaded");
    let expires_at = state.submit.clock.now() + state.uploads.kept_for;
    let view = UploadView::new(&key, bytes, &media_type, &sha256, expires_at);
    view.ok_or_else(Problem::internal)
}
