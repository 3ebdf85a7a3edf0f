//! Assets that nobody hosts.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::is_form;
use crate::views::{UploadAnswer, UploadsView};
use crate::writes::WriteState;
use crate::writes::problems::UploadProblems;
use crate::writes::uploading::{uploaded, uploaded_files};
use crate::{Problem, Writer};

/// The bytes of an asset.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = String, format = Binary, min_length = 1)]
#[allow(dead_code, reason = "describes the body in the document")]
pub(crate) struct AssetBytes(Vec<u8>);

/// Files of a form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UploadForm)]
#[allow(dead_code, reason = "describes the body in the document")]
pub(crate) struct FilesForm {
    /// Each file is a part of this name.
    #[schema(value_type = Vec<AssetBytes>, min_items = 1, max_items = 100)]
    file: Vec<AssetBytes>,
}

/// Upload assets
///
/// Keeps the bytes of the body, and answers an `asset:` URL that any request of yours takes where it takes the URL of an
/// asset. The same bytes have the same URL, and uploading them again keeps them for longer. What it is shows the content
/// itself, whatever type is declared. A form of up to 100 files is answered with a list of them; together they have no
/// more bytes than one asset may. The outputs of your flows can be named so, too: `asset:` and the last part of their
/// keys.
#[utoipa::path(
    post,
    path = "/api/v2/assets",
    tag = "assets",
    request_body(
        description = "The bytes of the asset, or a form with the files of several",
        content(
            (AssetBytes = "application/octet-stream"),
            (FilesForm = "multipart/form-data"),
        ),
    ),
    responses(
        (status = 201, description = "What was sent is kept", body = UploadAnswer),
        UploadProblems,
    ),
)]
pub(crate) async fn upload_asset(
    State(state): State<WriteState>,
    Writer(tenant): Writer,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<UploadAnswer>), Problem> {
    let answer = if is_form(&headers) {
        let assets = uploaded_files(&state, &tenant, &headers, body).await?;
        UploadAnswer::Many(UploadsView { assets })
    } else {
        UploadAnswer::One(uploaded(&state, &tenant, &headers, body).await?)
    };
    Ok((StatusCode::CREATED, Json(answer)))
}
