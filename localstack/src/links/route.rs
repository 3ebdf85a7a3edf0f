use std::path::Path as FilePath;
use std::time::Duration;

use assetmill_api::{ErrorCode, Problem, UnderWay};
use assetmill_core::{MediaType, OutputKey, TenantId};
use assetmill_sqlite::FolderOutputs;
use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG};
use http::{HeaderValue, StatusCode};
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::signature::SignedLinks;

#[derive(Clone)]
struct Outputs {
    links: SignedLinks,
    files: FolderOutputs,
}

/// Answers the URLs that `links` makes, ranges and conditions included.
pub fn router(links: SignedLinks, files: FolderOutputs) -> Router {
    Router::new()
        .route("/outputs/{tenant}/{file}", get(output))
        .with_state(Outputs { links, files })
}

async fn output(
    State(outputs): State<Outputs>,
    Path((tenant, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(ErrorCode::UnknownPath, "there is no such output");
    let key: OutputKey = format!("{tenant}/{file}").parse().map_err(|_| unknown())?;
    let tenant: TenantId = tenant.parse().map_err(|_| unknown())?;
    let left = outputs
        .links
        .check(&key, query.as_deref().unwrap_or_default())
        .map_err(|refusal| Problem::new(ErrorCode::LinkRefused, refusal.to_string()))?;
    // Whoever was given a link may read slowly, too.
    UnderWay::count(request.extensions(), &tenant)?;
    let media_type = media_type(&key);
    let mime = media_type.as_str().parse().map_err(|_| unknown())?;
    let file = ServeFile::new_with_mime(outputs.files.path(&key), &mime);
    // `ServeFile` answers a file that can't be read with a status of its own.
    let Ok(response) = file.oneshot(request).await;
    match response.status() {
        StatusCode::NOT_FOUND => Err(unknown()),
        status if status.is_server_error() => Err(Problem::internal()),
        // Not to be kept: it is about the request, and not about the output.
        status if status.is_client_error() => Ok(response.into_response()),
        _ => Ok(with_headers(response.into_response(), &key, left)),
    }
}

fn media_type(key: &OutputKey) -> MediaType {
    let extension = FilePath::new(key.as_str()).extension();
    MediaType::of_extension(extension.and_then(|text| text.to_str()).unwrap_or_default())
}

fn with_headers(mut response: Response, key: &OutputKey, left: Duration) -> Response {
    let headers = response.headers_mut();
    // What a vendor made is shown, never run.
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    let cache = format!("private, max-age={}, immutable", left.as_secs());
    let etag = format!("\"{key}\"");
    for (name, value) in [(CACHE_CONTROL, cache), (ETAG, etag)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}
