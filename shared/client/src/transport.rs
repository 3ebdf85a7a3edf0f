//! How requests get to the API.

use std::time::Duration;

use assetmill_fetch::{AllowList, GuardedClient, TransportFailure};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use tokio::time::timeout;
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
    /// Sends a request, whose URI is absolute, once. MUST read the whole answer, but for one of more than `most` bytes, and follow
    /// no redirect.
    ///
    /// # Errors
    /// [`Unreachable`] where there is no answer, or it broke off, or it is larger. Nobody knows then whether the request
    /// was heard.
    async fn send(&self, request: Request<Bytes>, most: usize) -> Result<Answer, Unreachable>;
}

/// How long a server may be silent: no answer of the API takes longer than 30 seconds, and each is sent in one piece.
const ANSWERED_WITHIN: Duration = Duration::from_mins(1);
/// Bytes a second, of a line that is slow.
const SLOWEST: u64 = 32 * 1024;

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
    async fn send(&self, request: Request<Bytes>, most: usize) -> Result<Answer, Unreachable> {
        let (head, body) = request.into_parts();
        let patience = ANSWERED_WITHIN + Duration::from_secs(body.len() as u64 / SLOWEST);
        let url: Url = head.uri.to_string().parse().map_err(Unreachable::new)?;
        let request = self.0.request(head.method, &url);
        let request = request.map_err(Unreachable::new)?;
        let sent = request.headers(head.headers).body(body).send();
        let told = |error: &_| Unreachable::new(TransportFailure::from(error));
        let mut answer = match timeout(patience, sent).await {
            Ok(answer) => answer.map_err(|error| told(&error))?,
            Err(_) => return Err(Unreachable::new("it is silent")),
        };
        let mut whole = BytesMut::new();
        loop {
            let chunk = timeout(ANSWERED_WITHIN, answer.chunk()).await;
            let chunk = chunk.map_err(|_| Unreachable::new("its answer stands still"))?;
            let Some(chunk) = chunk.map_err(|error| told(&error))? else {
                break;
            };
            if whole.len() + chunk.len() > most {
                return Err(Unreachable::new("its answer is larger than it said"));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: answer.status(),
            headers: answer.headers().clone(),
            body: whole.freeze(),
        })
    }
}
