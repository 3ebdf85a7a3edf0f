//! Answers that did not change since they were read: 304 instead of a body (RFC 9110, section 13).

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, IntoResponses};

/// The longest answer that has an `ETag`, in bytes. Longer ones are sent while they are read.
const LONGEST: u64 = 256 * 1024;
/// How many bytes of the hash of an answer are told.
const TAG_BYTES: usize = 16;
/// Of one caller, and to be asked about each time.
const CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The header in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the header in the document")]
pub(crate) struct IfNoneMatch {
    /// The `ETag` of an answer that is at hand: 304 if it is still what there is to say
    #[param(rename = "If-None-Match", example = "\"x3Zpc1RfRmFrZUV4YW1wbGU\"")]
    if_none_match: Option<String>,
}

/// The answer to who has it, in the document.
#[derive(IntoResponses)]
#[response(status = 304, description = "What `If-None-Match` names is still so")]
pub(crate) struct NotModified;

/// Tells the `ETag` of answers to GET, and answers 304 to who has the same.
pub(crate) async fn not_modified(request: Request, next: Next) -> Response {
    let known = (request.method() == Method::GET).then(|| request.headers().clone());
    let answer = next.run(request).await;
    match known {
        Some(known) if answer.status() == StatusCode::OK => tagged(&known, answer).await,
        _ => answer,
    }
}

async fn tagged(known: &HeaderMap, answer: Response) -> Response {
    if answer
        .body()
        .size_hint()
        .exact()
        .is_none_or(|bytes| bytes > LONGEST)
    {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let Ok(content) = body.collect().await else {
        // One that is whole does not break.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let content = content.to_bytes();
    let hash = Sha256::digest(&content);
    let tag = BASE64_URL_SAFE_NO_PAD.encode(&hash[..TAG_BYTES]);
    let tag = format!("\"{tag}\"");
    parts.headers.insert(CACHE_CONTROL, CACHE);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(ETAG, value);
    }
    if has(known, &tag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_TYPE);
        parts.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(content))
}

/// Whether a request knows an answer by its tag, weak or not (RFC 9110, section 13.1.2).
fn has(known: &HeaderMap, tag: &str) -> bool {
    let lists = known.get_all(IF_NONE_MATCH).into_iter();
    let mut tags = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
