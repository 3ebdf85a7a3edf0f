//! Problems in the OpenAPI document.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::json;
use utoipa::PartialSchema as _;
use utoipa::ToSchema as _;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};

use super::{ErrorCode, PROBLEM_JSON, ProblemBody};

/// What may be wrong with any JSON body.
pub const OF_BODIES: &[ErrorCode] = &[
    ErrorCode::MalformedJson,
    ErrorCode::BodyIncomplete,
    ErrorCode::BodyTimeout,
    ErrorCode::BodyTooLarge,
    ErrorCode::UnsupportedContentType,
    ErrorCode::UnsupportedTransferEncoding,
    ErrorCode::InvalidBody,
];

/// What may be wrong with any request that needs a caller.
pub const OF_CALLS: &[ErrorCode] = &[
    ErrorCode::InvalidHost,
    ErrorCode::Unauthorized,
    ErrorCode::RateLimited,
    ErrorCode::UnknownHost,
    ErrorCode::Internal,
    ErrorCode::Busy,
    ErrorCode::Unavailable,
];

/// The responses with which a route answers these problems, one for each status.
pub fn problem_responses(
    codes: impl IntoIterator<Item = ErrorCode>,
) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for code in codes {
        let texts = by_status.entry(code.status().as_u16()).or_default();
        if !texts.contains(&code.as_str()) {
            texts.push(code.as_str());
        }
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.to_string(), response(status, &codes).into()))
        .collect()
}

/// The name and schema of a problem, for the components of the document.
pub(crate) fn problem_schema() -> (String, RefOr<Schema>) {
    (ProblemBody::name().into_owned(), ProblemBody::schema())
}

fn response(status: u16, codes: &[&str]) -> Response {
    let listed: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
    let title = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    let example = json!({
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": codes.first(),
        "detail": "what is wrong, and what would be right",
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(ProblemBody::name())))
        .example(Some(example))
        .build();
    let response = ResponseBuilder::new()
        .description(format!("{title}: {}", listed.join(", ")))
        .content(PROBLEM_JSON, content);
    if status != StatusCode::TOO_MANY_REQUESTS.as_u16() {
        return response.build();
    }
    let headers = [
        ("Retry-After", "How many seconds to wait"),
        (
            "RateLimit-Policy",
            "The limits of the caller, as draft-ietf-httpapi-ratelimit-headers has them",
        ),
        ("RateLimit", "How much is left of each"),
    ];
    let text = || ObjectBuilder::new().schema_type(Type::String);
    headers
        .into_iter()
        .fold(response, |response, (name, description)| {
            let header = HeaderBuilder::new().schema(Some(text()));
            let header = header.description(Some(description)).build();
            response.header(name, header)
        })
        .build()
}
