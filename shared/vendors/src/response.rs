//! The response to a request, read.

use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::Value;

/// What a vendor answered: all of it, whatever it means.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    document: OnceLock<Option<Value>>,
}

impl Response {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            status,
            headers,
            body,
            document: OnceLock::new(),
        }
    }

    /// What is known of an answer that was read before.
    pub(super) fn remembered(headers: HeaderMap, document: Value) -> Self {
        Self {
            status: StatusCode::OK,
            headers,
            body: Bytes::new(),
            document: OnceLock::from(Some(document)),
        }
    }

    /// Its body as JSON.
    pub(super) fn document(&self) -> Option<&Value> {
        self.document
            .get_or_init(|| serde_json::from_slice(&self.body).ok())
            .as_ref()
    }

    /// A header that is text.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
