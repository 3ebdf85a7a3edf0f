//! Assets that nobody hosts.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{is_declared_json, is_form};
use crate::views::{UploadAnswer, UploadView, UploadsView};
use crate::writes::WriteState;
use crate::writes::announcing::{Announcement, announced};
use crate::writes::problems::UploadProblems;
use crate::writes::uploading::{uploaded, uploaded_files};
use crate::{JsonBody, Problem, Writer};

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
/// more bytes than one asset may.
///
/// A body of JSON announces an asset by its SHA-256. The answer says with `upload` how to send it, within the hour, and
/// without it that it is there already: so no bytes are sent twice, and assets may be larger than a body of this API.
///
/// The outputs of your flows can be named so, too: `asset:` and the last part of their keys.
#[utoipa::path(
    post,
    path = "/api/v2/assets",
    tag = "assets",
    request_body(
        description = "The bytes of the asset, or a form with the files of several; or what they are, to be told how to send them",
        content(
            (Announcement = "application/json"),
            (AssetBytes = "application/octet-stream"),
            (FilesForm = "multipart/form-data"),
        ),
    ),
    responses(
        (
            status = 200,
            description = "What was announced is there already, or is to be sent as `upload` says",
            body = UploadView,
        ),
        (status = 201, description = "What was sent is kept", body = UploadAnswer),
        UploadProblems,
    ),
)]
pub(crate) async fn upload_asset(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    request: Request,
) -> Result<(StatusCode, Json<UploadAnswer>), Problem> {
    if is_declared_json(request.headers()) {
        let JsonBody(body) = JsonBody::<Announcement>::from_request(request, &state).await?;
        let upload = announced(&state, &tenant, body).await?;
        return Ok((StatusCode::OK, Json(UploadAnswer::One(upload))));
    }
    let (parts, body) = request.into_parts();
    let answer = if is_form(&parts.headers) {
        let assets = uploaded_files(&state, &tenant, &parts.headers, body).await?;
        UploadAnswer::Many(UploadsView { assets })
    } else {
        UploadAnswer::One(uploaded(&state, &tenant, &parts.headers, body).await?)
    };
    Ok((StatusCode::CREATED, Json(answer)))
}
