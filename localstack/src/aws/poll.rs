//! `assetmill poll`: what AWS does between the queues and the functions, for functions that nobody calls by
//! themselves, as under `cargo lambda watch`. Messages are received, the function `worker` or `janitor` is
//! invoked with them as SQS would, and what it does not report as failed is deleted. A schedule invokes
//! `janitor` once a minute.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{Delivery, FlowDeliveries};
use assetmill_fetch::{AllowList, AllowListError, ClientError, GuardedClient};
use http::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::Polled;
use crate::workers::{MAX_RECEIVE, REST, WAIT};

/// The longest that Lambda lets a function run, and some time to build it first.
const LONGEST: Duration = Duration::from_mins(30);
const EVERY: Duration = Duration::from_mins(1);
const SCHEDULE: &str = include_str!("../../../events/janitor-schedule.json");

/// Invokes functions at one address. Clones are the same.
#[derive(Clone)]
pub struct Functions {
    client: GuardedClient,
    base: Url,
    worker: String,
    janitor: String,
}

/// Why functions can't be invoked.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The address names no host.
    #[error("--invoke: {0} names no host; write http://127.0.0.1:9000")]
    NoHost(Url),
    /// The host can't be named in an allow list.
    #[error("--invoke: {0}")]
    Host(#[from] AllowListError),
    /// The HTTP client can't be made.
    #[error("the HTTP client can't be made: {0}")]
    Client(#[from] ClientError),
}

/// An event that was not handled.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotInvoked(String);

impl Functions {
    /// Functions behind one address, as `cargo lambda watch` and `sam local start-lambda` serve them.
    ///
    /// # Errors
    /// [`PollError`] when it is no address.
    pub fn of(polled: &Polled) -> Result<Self, PollError> {
        let base = &polled.invoke;
        let host = base.host_str();
        let host = host.ok_or_else(|| PollError::NoHost(base.clone()))?;
        let port = base.port_or_known_default().unwrap_or(80);
        let allow: AllowList = format!("{host}:{port}").parse()?;
        Ok(Self {
            client: GuardedClient::new(allow)?,
            base: base.clone(),
            worker: polled.worker.clone(),
            janitor: polled.janitor.clone(),
        })
    }

    async fn invoke(&self, function: &str, event: &Value) -> Result<Value, NotInvoked> {
        let path = format!("2015-03-31/functions/{function}/invocations");
        let url = self.base.join(&path);
        let url = url.map_err(|error| NotInvoked(error.to_string()))?;
        let request = self.client.request(Method::POST, &url);
        let request = request.map_err(|error| NotInvoked(error.to_string()))?;
        let answer = request.timeout(LONGEST).json(event).send().await;
        let answer = answer.map_err(|error| NotInvoked(error.to_string()))?;
        let status = answer.status();
        let failed = answer.headers().contains_key("x-amz-function-error") || !status.is_success();
        let text = answer.text().await;
        let text = text.map_err(|error| NotInvoked(error.to_string()))?;
        if failed {
            return Err(NotInvoked(format!("{function} answered {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| NotInvoked(error.to_string()))
    }
}

/// Invokes the functions until `stop`; what is being handled then is waited for.
pub async fn run(
    functions: Functions,
    queue: Arc<dyn FlowDeliveries>,
    dead_letters: Arc<dyn FlowDeliveries>,
    stop: CancellationToken,
) {
    tokio::join!(
        feed(&functions, &functions.worker, &*queue, &stop),
        feed(&functions, &functions.janitor, &*dead_letters, &stop),
        schedule(&functions, &stop),
    );
}

async fn feed(
    functions: &Functions,
    function: &str,
    deliveries: &dyn FlowDeliveries,
    stop: &CancellationToken,
) {
    let receive = || deliveries.receive(MAX_RECEIVE, WAIT);
    while let Some(received) = stop.run_until_cancelled(receive()).await {
        let handled = match received {
            Ok(received) if received.is_empty() => Ok(()),
            Ok(received) => handle(functions, function, deliveries, received).await,
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = handled {
            tracing::warn!(function, error, "messages come again");
            tokio::time::sleep(REST).await;
        }
    }
}

async fn handle(
    functions: &Functions,
    function: &str,
    deliveries: &dyn FlowDeliveries,
    received: Vec<Delivery>,
) -> Result<(), String> {
    let event = event(&received);
    let response = functions.invoke(function, &event).await;
    let response = response.map_err(|error| error.to_string())?;
    let failures = response["batchItemFailures"].as_array();
    let failed: HashSet<_> = failures
        .into_iter()
        .flatten()
        .filter_map(|failure| failure["itemIdentifier"].as_str())
        .collect();
    let done = received
        .iter()
        .filter(|delivery| !failed.contains(delivery.receipt.as_str()));
    for delivery in done {
        let acknowledged = deliveries.acknowledge(&delivery.receipt).await;
        acknowledged.map_err(|error| error.to_string())?;
    }
    tracing::info!(
        function,
        messages = received.len(),
        failed = failed.len(),
        "invoked"
    );
    Ok(())
}

async fn schedule(functions: &Functions, stop: &CancellationToken) {
    let event = serde_json::from_str(SCHEDULE).unwrap_or_default();
    let mut ticks = tokio::time::interval(EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = functions.invoke(&functions.janitor, &event).await {
            tracing::warn!(function = functions.janitor, %error, "schedule was not handled");
        }
    }
}

/// An event of SQS, whose records are told apart by the receipts of their deliveries.
fn event(received: &[Delivery]) -> Value {
    let record = |delivery: &Delivery| {
        json!({
            "messageId": delivery.receipt,
            "receiptHandle": delivery.receipt,
            "body": json!(delivery.message).to_string(),
            "attributes": { "ApproximateReceiveCount": delivery.receive_count.to_string() },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:assetmill",
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": received.iter().map(record).collect::<Vec<_>>() })
}
