//! Requests, to be sent any number of times.

use std::fmt::Display;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use url::Url;

use crate::ClientError;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    most: usize,
}

/// More than 10,000 flows are.
const MOST_JSON: usize = 64 * 1024 * 1024;
/// What a refusal of anything else may have.
const MOST_PROBLEM: usize = 64 * 1024;

impl Call {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::from_iter([(ACCEPT, JSON)]),
            body: Bytes::new(),
            most: MOST_JSON,
        }
    }

    /// One to a URL that the API answered.
    pub(crate) fn elsewhere(method: Method, url: &str) -> Result<Self, ClientError> {
        let url = url.parse().map_err(ClientError::no_request)?;
        Ok(Self::new(method, url))
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// One whose answer has so many bytes, unless it is a refusal.
    pub(crate) fn answered_with(mut self, bytes: usize) -> Self {
        self.most = bytes.max(MOST_PROBLEM);
        self
    }

    /// How many bytes its answer may have.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    pub(crate) fn of(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn with_text(self, name: &str, value: &str) -> Result<Self, ClientError> {
        let name = HeaderName::try_from(name).map_err(ClientError::no_request)?;
        let value = HeaderValue::try_from(value).map_err(ClientError::no_request)?;
        Ok(self.with(name, value))
    }

    /// What it starts is started once under this `Idempotency-Key`.
    pub(crate) fn under(self, key: Option<&str>) -> Result<Self, ClientError> {
        match key {
            Some(key) => self.with_text("idempotency-key", key),
            None => Ok(self),
        }
    }

    pub(crate) fn request(&self, key: Option<&HeaderValue>) -> Result<Request<Bytes>, ClientError> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.url.as_str().parse().map_err(ClientError::no_request)?;
        let mut headers = self.headers.clone();
        // A transport in process has nobody who would add it (RFC 9112, section 3.2).
        if let Some(host) = self.url.host_str() {
            let port = self.url.port().map(|port| format!(":{port}"));
            let host = format!("{host}{}", port.unwrap_or_default());
            headers.insert(
                HOST,
                HeaderValue::try_from(host).map_err(ClientError::no_request)?,
            );
        }
        if let Some(key) = key {
            headers.insert(AUTHORIZATION, key.clone());
        }
        *request.headers_mut() = headers;
        Ok(request)
    }
}

impl ClientError {
    pub(crate) fn no_request(reason: impl Display) -> Self {
        Self::Request(reason.to_string())
    }
}
