//! Bodies that are assets themselves.

use std::time::Duration;

use assetmill_core::{FailureCode, MediaType, OutputKey};
use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, ORIGIN};

use super::reading::{self, Bounds};
use super::{check_not_encoded, essence, is_json, text_of};
use crate::{ErrorCode, Problem, TenantInFlight};

/// How long an asset may take to come: 50 MiB over a line of 4 Mbit/s.
pub(super) const READ_TIME: Duration = Duration::from_mins(2);

/// Types that a page of any site may send without being asked for leave
/// (<https://fetch.spec.whatwg.org/#cors-safelisted-request-header>). `curl` declares the first by itself.
const OF_ANY_SITE: &[&str] = &[
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
];

/// What to do about an asset that is too large.
const SMALLER: &str = "send a smaller one, or the URL of one that is hosted";

/// Whether the body is declared as JSON, or as nothing.
pub(crate) fn is_json_request(headers: &HeaderMap) -> bool {
    text_of(headers, &CONTENT_TYPE).is_none_or(is_json)
}

/// The body as it is, of at most so many bytes. What it is, it shows by itself.
///
/// # Errors
/// `unsupported_content_type` for what another site's page could send of its own accord, or `curl` without a word of what
/// it is, unless it shows that it is a picture or a document; `asset_empty`, and what reading it comes to.
pub(crate) async fn whole(
    headers: &HeaderMap,
    body: Body,
    memory: &TenantInFlight,
    most: usize,
) -> Result<Bytes, Problem> {
    let unsupported = |detail| Err(Problem::new(ErrorCode::UnsupportedContentType, detail));
    let undeclared = text_of(headers, &CONTENT_TYPE)
        .is_none_or(|declared| OF_ANY_SITE.contains(&essence(declared).as_str()));
    if undeclared && headers.contains_key(ORIGIN) {
        return unsupported(
            "the body's type is not declared; send the type of the file as the Content-Type, such as image/jpeg",
        );
    }
    check_not_encoded(headers)?;
    let bounds = Bounds {
        most,
        time: READ_TIME,
        advice: SMALLER,
    };
    let content = reading::read(headers, body, memory, bounds).await?;
    if content.is_empty() {
        return Err(Problem::new(
            ErrorCode::Failure(FailureCode::AssetEmpty),
            "the body has no bytes; send the bytes of the asset",
        ));
    }
    if undeclared && MediaType::of_content(&content) == MediaType::unknown() {
        return unsupported(
            "the body is not declared, and shows no type by itself; send Content-Type: application/json, or the type \
             of the file",
        );
    }
    Ok(content)
}

/// The body, if it is so many bytes, those that `key` names: what somebody announced that it would send.
///
/// # Errors
/// `invalid_body` for others, and what reading it comes to.
pub async fn announced(
    headers: &HeaderMap,
    body: Body,
    memory: &TenantInFlight,
    bytes: u64,
    key: &OutputKey,
) -> Result<Bytes, Problem> {
    let other = |detail| Err(Problem::new(ErrorCode::InvalidBody, detail));
    check_not_encoded(headers)?;
    let bounds = Bounds {
        most: usize::try_from(bytes).unwrap_or(usize::MAX),
        time: READ_TIME,
        advice: "send what was announced",
    };
    let content = reading::read(headers, body, memory, bounds).await?;
    let length = content.len();
    if length as u64 != bytes {
        return other(format!(
            "the body has {length} bytes, and {bytes} were announced; send those"
        ));
    }
    let (hashed, named) = (content.clone(), key.clone());
    // Some 100 ms for the largest: others go on meanwhile.
    let named = tokio::task::spawn_blocking(move || named.names(&hashed));
    if !named.await.map_err(|_| Problem::internal())? {
        return other(
            "the body has another SHA-256 than was announced; send those bytes".to_owned(),
        );
    }
    Ok(content)
}
