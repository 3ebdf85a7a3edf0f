//! Assets that nobody hosts.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use utoipa::ToSchema;

use crate::views::UploadView;
use crate::writes::WriteState;
use crate::writes::problems::UploadProblems;
use crate::writes::uploading::uploaded;
use crate::{Problem, Writer};

/// The bytes of an asset.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary, min_length = 1)]
#[allow(dead_code, reason = "describes the body in the document")]
pub(crate) struct AssetBytes(Vec<u8>);

/// Upload an asset
///
/// Keeps the bytes of the body, and answers an `asset:` URL that any request of yours takes where it takes the URL of an
/// asset. The same bytes have the same URL, and uploading them again keeps them for longer. What it is shows the content
/// itself, whatever type is declared. The outputs of your flows can be named so, too: `asset:` and the last part of their
/// keys.
#[utoipa::path(
    post,
    path = "/api/v2/assets",
    tag = "assets",
    request_body(
        description = "The bytes of the asset",
        content((AssetBytes = "application/octet-stream")),
    ),
    responses(
        (status = 201, description = "The asset is kept", body = UploadView),
        UploadProblems,
    ),
)]
pub(crate) async fn upload_asset(
    State(state): State<WriteState>,
    Writer(tenant): Writer,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<UploadView>), Problem> {
    let upload = uploaded(&state, &tenant, &headers, body).await?;
    Ok((StatusCode::CREATED, Json(upload)))
}
