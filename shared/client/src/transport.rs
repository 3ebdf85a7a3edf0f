//! How requests get to the API.

use assetmill_fetch::{AllowList, GuardedClient, TransportFailure};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use url::Url;

use crate::Unreachable;

/// What a request was answered with, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Takes requests to where they are answered.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request, whose URI is absolute, once. MUST read the whole answer, and follow no redirect.
    ///
    /// # Errors
    /// [`Unreachable`] where there is no answer, or it broke off. Nobody knows then whether the request was heard.
    async fn send(&self, request: Request<Bytes>) -> Result<Answer, Unreachable>;
}

/// Everything that an address can be: whoever names a server means it.
const EVERYWHERE: &str = "0.0.0.0/0,::/0";

/// The network.
#[derive(Debug, Clone)]
pub struct Network(GuardedClient);

impl Network {
    /// A transport with connections of its own.
    ///
    /// # Errors
    /// [`Unreachable`] where TLS or the HTTP client can't be set up.
    pub fn new() -> Result<Self, Unreachable> {
        let everywhere: AllowList = EVERYWHERE.parse().map_err(Unreachable::new)?;
        let client = GuardedClient::new(everywhere).map_err(Unreachable::new)?;
        Ok(Self(client))
    }
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: Request<Bytes>) -> Result<Answer, Unreachable> {
        let (head, body) = request.into_parts();
        let url: Url = head.uri.to_string().parse().map_err(Unreachable::new)?;
        let request = self.0.request(head.method, &url);
        let request = request.map_err(Unreachable::new)?;
        let sent = request.headers(head.headers).body(body).send().await;
        let told = |error: &_| Unreachable::new(TransportFailure::from(error));
        let answer = sent.map_err(|error| told(&error))?;
        Ok(Answer {
            status: answer.status(),
            headers: answer.headers().clone(),
            body: answer.bytes().await.map_err(|error| told(&error))?,
        })
    }
}
