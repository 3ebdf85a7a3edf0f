//! What answers say about themselves.

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

/// Scripts, styles and requests are the console's own. Pictures may come from elsewhere: results may lie in S3, and
/// assets lie anywhere; those are loaded when somebody asks for them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' https: http:; object-src 'none'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// A file, with what is known of it beforehand.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    media_type: &'static str,
    bytes: Bytes,
    etag: Option<HeaderValue>,
}

impl Kept {
    pub(crate) fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&bytes)[..16]));
        Self {
            media_type,
            bytes: bytes.into(),
            etag: etag.try_into().ok(),
        }
    }

    /// The file, or 304 where the caller has it.
    pub(crate) fn answer(&self, asked: &HeaderMap) -> Response {
        let mut answer = if self.is_known_to(asked) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(self.bytes.clone()).into_response()
        };
        let own = HeaderValue::from_static;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, own(self.media_type));
        headers.insert(CACHE_CONTROL, own("no-cache"));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        headers.insert(X_CONTENT_TYPE_OPTIONS, own("nosniff"));
        headers.insert(REFERRER_POLICY, own("no-referrer"));
        if let Some(etag) = &self.etag {
            headers.insert(ETAG, etag.clone());
        }
        answer
    }

    /// By a weak comparison, as RFC 9110, section 13.1.2 has it: gateways that compress make tags weak.
    fn is_known_to(&self, asked: &HeaderMap) -> bool {
        let Some(etag) = self.etag.as_ref().and_then(|etag| etag.to_str().ok()) else {
            return false;
        };
        let lists = asked.get_all(IF_NONE_MATCH).iter();
        lists
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
    }
}
