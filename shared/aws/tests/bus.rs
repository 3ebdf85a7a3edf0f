//! A bus that takes what it is told, or some of it, or none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/service.rs"]
mod service;

use std::time::Duration;

use assetmill_aws::Bus;
use assetmill_contract::samples::{at, batch};
use assetmill_core::ports::EventBus as _;
use assetmill_core::{Failure, FailureCode, Status, WebhookDelivery};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use service::{Answer, Service, broken, hanging, nothing, throttled};

/// As many as there are flows.
fn events(size: u32) -> Vec<WebhookDelivery> {
    let (_, mut flows) = batch(size);
    for flow in &mut flows {
        flow.status = Status::Cancelled { settled_at: at(1) };
    }
    let settled = flows.iter().filter_map(WebhookDelivery::announces_settled);
    settled.collect()
}

/// What the service says of each entry.
fn answered(body: &Value, answer: impl Fn(usize) -> Value) -> Response {
    let entries = body["Entries"].as_array().unwrap().len();
    let answers: Vec<_> = (0..entries).map(answer).collect();
    let failed = answers.iter().filter(|it| it["EventId"].is_null()).count();
    json!({ "FailedEntryCount": failed, "Entries": answers })
        .to_string()
        .into_response()
}

fn all(body: &Value) -> Response {
    answered(body, |place| json!({ "EventId": place.to_string() }))
}

async fn publish(answers: &[Answer], events: &[WebhookDelivery]) -> (Service, Vec<bool>) {
    let (service, clients) = Service::start(answers).await;
    let told = Bus::new(&clients, "events").publish(events).await;
    (service, told.iter().map(Result::is_ok).collect())
}

#[tokio::test]
async fn ten_events_are_a_call_and_each_says_what_it_is() {
    let events = events(25);
    let (service, told) = publish(&[all], &events).await;
    assert_eq!(told, [true; 25]);
    let mut entries = Vec::new();
    let mut calls = Vec::new();
    for body in service.asked() {
        calls.push(body["Entries"].as_array().unwrap().len());
        entries.extend(body["Entries"].as_array().unwrap().clone());
    }
    calls.sort_unstable();
    assert_eq!(calls, [5, 10, 10]);
    for event in &events {
        let mut said = entries.iter().filter(|it| it["Detail"] == event.payload);
        let entry = said.next().unwrap();
        assert!(said.next().is_none());
        assert_eq!(entry["EventBusName"], "events");
        assert_eq!(entry["Source"], "assetmill");
        assert_eq!(entry["DetailType"], "flow.settled");
        assert_eq!(entry["Time"], at(1).as_second());
    }
}

#[tokio::test]
async fn a_call_that_is_answered_may_have_failed_for_some() {
    fn second_failed(body: &Value) -> Response {
        answered(body, |place| match place {
            1 => json!({ "ErrorCode": "ThrottlingException", "ErrorMessage": "too many" }),
            _ => json!({ "EventId": place.to_string() }),
        })
    }
    let (service, told) = publish(&[second_failed], &events(3)).await;
    assert_eq!(told, [true, false, true]);
    // It is told again by whoever keeps it.
    assert_eq!(service.asked().len(), 1);
}

#[tokio::test]
async fn what_nothing_is_said_of_is_not_taken() {
    let (_, told) = publish(&[nothing], &events(2)).await;
    assert_eq!(told, [false, false]);
}

#[tokio::test]
async fn a_call_that_fails_is_made_once_more_and_fails_alone() {
    fn first_call(body: &Value) -> Response {
        if body["Entries"].as_array().unwrap().len() == 10 {
            return broken(body);
        }
        all(body)
    }
    for fault in [throttled, broken] {
        let (service, told) = publish(&[fault, all], &events(2)).await;
        assert_eq!(
            (told.as_slice(), service.asked().len()),
            (&[true; 2][..], 2)
        );
    }
    let (_, told) = publish(&[first_call], &events(11)).await;
    assert_eq!(told[..10], [false; 10]);
    assert!(told[10]);
}

/// Flows wait for it.
#[tokio::test]
async fn a_bus_that_hangs_is_given_up_in_time() {
    let events = events(100);
    let told = publish(&[hanging], &events);
    let told = tokio::time::timeout(Duration::from_secs(10), told).await;
    let (service, told) = told.expect("in time");
    assert_eq!(told, [false; 100]);
    assert_eq!(service.asked().len(), 20);
}

/// What ten events may have together is bounded, and so is each of them, whatever vendors answer.
#[tokio::test]
async fn the_largest_events_fit_into_a_call() {
    let (_, mut flows) = batch(10);
    for flow in &mut flows {
        flow.status = Status::Failed {
            failure: Failure::permanent(FailureCode::VendorRejected, "\u{1}".repeat(100_000)),
            settled_at: at(1),
        };
    }
    let events: Vec<_> = flows
        .iter()
        .filter_map(WebhookDelivery::announces_settled)
        .collect();
    let (service, _) = publish(&[all], &events).await;
    let asked = service.asked();
    assert_eq!(asked.len(), 1);
    let entries = asked[0]["Entries"].as_array().unwrap();
    let bytes = |entry: &Value| {
        14 + ["Source", "DetailType", "Detail"]
            .map(|it| entry[it].as_str().unwrap().len())
            .iter()
            .sum::<usize>()
    };
    let together: usize = entries.iter().map(bytes).sum();
    assert!((50_000..256 * 1024).contains(&together), "{together}");
}

#[tokio::test]
async fn a_bus_is_not_there_only_where_that_is_certain() {
    fn missing(_: &Value) -> Response {
        let fault = json!({ "__type": "ResourceNotFoundException", "message": "no such bus" });
        (StatusCode::BAD_REQUEST, fault.to_string()).into_response()
    }
    fn denied(_: &Value) -> Response {
        let fault = json!({ "__type": "AccessDeniedException", "message": "not authorized" });
        (StatusCode::BAD_REQUEST, fault.to_string()).into_response()
    }
    for (answer, is_there) in [
        (missing as Answer, Some(false)),
        (denied, Some(true)),
        (throttled, None),
        (broken, None),
        (nothing, Some(true)),
    ] {
        let (service, clients) = Service::start(&[answer]).await;
        assert_eq!(Bus::new(&clients, "events").is_there().await, is_there);
        assert_eq!(service.asked()[0]["Name"], "events");
    }
}
