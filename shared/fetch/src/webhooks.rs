//! Telling endpoints, through the guarded client.

use std::time::{Duration, SystemTime};

use assetmill_core::ports::WebhookSender;
use assetmill_core::{Signed, WebhookAnswer, WebhookUrl};
use async_trait::async_trait;
use http::Method;
use http::header::{CONTENT_TYPE, LOCATION};
use reqwest::Response;
use tokio::time::timeout;

use super::{GuardedClient, TransportFailure, retry_after};

/// How long an endpoint may take to answer: 15 to 30 seconds are recommended
/// (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#request-timeouts>).
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long the beginning of the body is waited for. The status has said what matters.
const HEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of the body is kept, in bytes.
const HEAD_BYTES: usize = 1024;
/// How much of a `Location` is kept, in characters.
const LOCATION_CHARS: usize = 300;

/// Posts to endpoints that are public, or that the operator allowed.
#[derive(Debug, Clone)]
pub struct WebhookClient(GuardedClient);

impl WebhookClient {
    /// One that reaches what `client` does.
    pub fn new(client: GuardedClient) -> Self {
        Self(client)
    }
}

#[async_trait]
impl WebhookSender for WebhookClient {
    async fn send(&self, url: &WebhookUrl, signed: Signed) -> Result<WebhookAnswer, String> {
        let request = self.0.request(Method::POST, url.as_url());
        let request = request.map_err(|refused| refused.to_string())?;
        let sent = request
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", signed.id.to_string())
            .header("webhook-timestamp", signed.timestamp)
            .header("webhook-signature", signed.signature)
            .body(signed.payload)
            .send();
        let answer = match timeout(TIMEOUT, sent).await {
            Ok(answer) => answer.map_err(|error| TransportFailure::from(&error).to_string())?,
            Err(_) => return Err(format!("no answer within {} seconds", TIMEOUT.as_secs())),
        };
        let location = answer.headers().get(LOCATION);
        let location = location.map(|it| String::from_utf8_lossy(it.as_bytes()));
        Ok(WebhookAnswer {
            status: answer.status().as_u16(),
            retry_after: retry_after(answer.headers(), SystemTime::now()),
            location: location.map(|it| it.chars().take(LOCATION_CHARS).collect()),
            head: head(answer).await,
        })
    }
}

/// The beginning of a body, as text; what breaks off or does not come has none, or a shorter one.
async fn head(mut answer: Response) -> String {
    let mut head = Vec::new();
    let reading = async {
        while head.len() < HEAD_BYTES
            && let Ok(Some(chunk)) = answer.chunk().await
        {
            let room = HEAD_BYTES - head.len();
            head.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
    };
    let _ = timeout(HEAD_TIMEOUT, reading).await;
    String::from_utf8_lossy(&head).into_owned()
}
