//! The response to a request, read.

use std::sync::{Mutex, OnceLock, PoisonError};

use assetmill_fetch::AnswerRoom;
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
    /// What it takes, until its product does.
    room: Mutex<Option<Box<AnswerRoom>>>,
}

impl Response {
    pub(super) fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        room: AnswerRoom,
    ) -> Self {
        Self {
            status,
            headers,
            body,
            document: OnceLock::new(),
            room: Mutex::new(Some(Box::new(room))),
        }
    }

    /// What is known of an answer that was read before.
    pub(super) fn remembered(headers: HeaderMap, document: Value) -> Self {
        Self {
            status: StatusCode::OK,
            headers,
            body: Bytes::new(),
            document: OnceLock::from(Some(document)),
            room: Mutex::new(None),
        }
    }

    /// Has a product that was taken out of it hold its room.
    pub(super) fn hold(&self, product: Bytes) -> Bytes {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        match room.take() {
            Some(room) => room.hold(product),
            None => product,
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
