//! Keeping what callers upload.

use assetmill_core::ports::LimitsOfTenants as _;
use assetmill_core::{MediaType, OutputKey, Sha256Digest, TenantId};
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::HeaderMap;

use crate::Problem;
use crate::body::{self, Form, Takes};
use crate::views::UploadView;
use crate::writes::WriteState;

/// The most files of one form.
pub(crate) const MOST_FILES: usize = 100;
/// How many of them are stored at the same time.
const AT_ONCE: usize = 8;

/// What a form with nothing but files may have in it.
const FILES: Takes = Takes {
    files: MOST_FILES,
    advice: "send the others in another request",
    texts: &[],
};

/// Keeps the bytes of a body for a tenant.
pub(crate) async fn uploaded(
    state: &WriteState,
    tenant: &TenantId,
    headers: &HeaderMap,
    body: Body,
) -> Result<UploadView, Problem> {
    let most = most_bytes(state, tenant).await;
    let memory = state.in_flight.of(tenant);
    let content = body::whole(headers, body, &memory, most).await?;
    kept(state, tenant, content).await
}

/// Keeps the files of a body that is a form of nothing else, and says of each what it is, in their order.
pub(crate) async fn uploaded_files(
    state: &WriteState,
    tenant: &TenantId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<UploadView>, Problem> {
    let form = form(state, tenant, headers, body, FILES).await?;
    let files = form.files.iter().cloned();
    let kept = files.map(|content| kept(state, tenant, content));
    stream::iter(kept).buffered(AT_ONCE).try_collect().await
}

/// The body as a form, whose files have no more bytes than an asset of the tenant may have.
pub(crate) async fn form(
    state: &WriteState,
    tenant: &TenantId,
    headers: &HeaderMap,
    body: Body,
    takes: Takes,
) -> Result<Form, Problem> {
    let most = most_bytes(state, tenant).await;
    body::form(headers, body, &state.in_flight.of(tenant), most, takes).await
}

/// Keeps bytes for a tenant.
pub(crate) async fn kept(
    state: &WriteState,
    tenant: &TenantId,
    content: Bytes,
) -> Result<UploadView, Problem> {
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

/// The most bytes that a tenant may send in a body.
async fn most_bytes(state: &WriteState, tenant: &TenantId) -> usize {
    let all = state.uploads.max_bytes;
    let own = most_of_tenant(state, tenant, all as u64).await;
    usize::try_from(own).unwrap_or(all)
}

/// The most bytes of an asset of a tenant, where those of all have at most so many.
pub(crate) async fn most_of_tenant(state: &WriteState, tenant: &TenantId, all: u64) -> u64 {
    let own = state.callers.limits(tenant).await.asset_bytes;
    own.map_or(all, |own| own.min(all))
}
