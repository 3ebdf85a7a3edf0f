//! `assetmill poll`, between a queue and functions that somebody else runs.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use assetmill::aws::poll::{self, Functions};
use assetmill::config::Polled;
use assetmill_contract::memory::{MemoryQueue, RuntimeClock};
use assetmill_contract::samples;
use assetmill_core::Flow;
use assetmill_core::ports::{FlowQueue as _, Outgoing};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

type Events = mpsc::UnboundedSender<(String, Value)>;

/// Functions that report the second of several records, and break down at an event of three.
async fn functions() -> (Url, mpsc::UnboundedReceiver<(String, Value)>) {
    let (events, seen) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(handle))
        .with_state(events);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url.parse().unwrap(), seen)
}

async fn handle(
    State(events): State<Events>,
    Path(name): Path<String>,
    Json(event): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let records = event["Records"].as_array().cloned().unwrap_or_default();
    events.send((name, event)).unwrap();
    if records.len() == 3 {
        let broken = json!({ "errorMessage": "out of order" });
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(broken));
    }
    let failed: Vec<_> = records
        .get(1)
        .map(|record| json!({ "itemIdentifier": record["messageId"] }))
        .into_iter()
        .collect();
    (StatusCode::OK, Json(json!({ "batchItemFailures": failed })))
}

/// The ids of the flows of an event, and how often each came.
fn records(event: &Value) -> Vec<(String, String)> {
    let records = event["Records"].as_array().unwrap().iter();
    let of = |record: &Value| {
        let body: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
        let count = record["attributes"]["ApproximateReceiveCount"].as_str();
        let flow = body["flow_id"].as_str().unwrap().to_owned();
        (flow, count.unwrap().to_owned())
    };
    records.map(of).collect()
}

#[tokio::test]
async fn messages_are_handed_over_as_sqs_does() {
    let (url, mut seen) = functions().await;
    let clock = Arc::new(RuntimeClock::default());
    let queue = || {
        Arc::new(MemoryQueue::new(
            clock.clone(),
            Duration::from_millis(200),
            9,
        ))
    };
    let (messages, dead_letters) = (queue(), queue());
    let (_, flows) = samples::batch(6);
    let outgoing = |of: &[Flow]| -> Vec<_> {
        let messages = of.iter().map(|flow| Outgoing::now(flow.message()));
        messages.collect()
    };
    messages.send(&outgoing(&flows[..2])).await.unwrap();
    dead_letters.send(&outgoing(&flows[2..3])).await.unwrap();
    let stop = CancellationToken::new();
    let polled = Polled {
        invoke: url,
        worker: "WorkerFunction".to_owned(),
        janitor: "janitor".to_owned(),
    };
    let polling = tokio::spawn(poll::run(
        Functions::of(&polled).unwrap(),
        messages.clone(),
        dead_letters.clone(),
        stop.clone(),
    ));
    let came = |flow: &Flow, times: &str| (flow.id.to_string(), times.to_owned());
    let (mut of_worker, mut of_janitor, mut schedules) = (Vec::new(), Vec::new(), 0);
    while of_worker.len() < 2 || of_janitor.is_empty() || schedules == 0 {
        let (function, event) = seen.recv().await.unwrap();
        match function.as_str() {
            "WorkerFunction" => of_worker.push(records(&event)),
            "janitor" if event["source"] == "aws.events" => schedules += 1,
            _ => of_janitor.push(records(&event)),
        }
    }
    // The second was reported, and comes again alone.
    let (first, second) = (&flows[0], &flows[1]);
    assert_eq!(of_worker[0], [came(first, "1"), came(second, "1")]);
    assert_eq!(of_worker[1], [came(second, "2")]);
    assert_eq!(of_janitor, [[came(&flows[2], "1")]]);
    // Where the function breaks down, all come again.
    messages.send(&outgoing(&flows[3..])).await.unwrap();
    let mut times = Vec::new();
    while times.iter().filter(|it| *it == "2").count() < 3 {
        let (_, event) = seen.recv().await.unwrap();
        times.extend(records(&event).into_iter().map(|(_, times)| times));
    }
    stop.cancel();
    polling.await.unwrap();
    assert!(messages.next_visible().is_some());
    assert!(dead_letters.next_visible().is_none());
}
