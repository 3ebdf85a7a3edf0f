//! AWS that throttles, fails, hangs, or takes a part of what it is given.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/service.rs"]
mod service;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_aws::{Clients, Queue, Table};
use assetmill_contract::samples;
use assetmill_core::ports::{
    FlowChanges as _, FlowQueue as _, FlowReads as _, FlowWrites as _, Outgoing, SystemClock,
};
use assetmill_core::{BatchId, Flow};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use service::{Answer, Service, broken, hanging, nothing, throttled};

fn table(clients: &Clients) -> Table {
    let retention = Duration::from_hours(1);
    Table::new(clients, "rows", Arc::new(SystemClock), retention)
}

#[tokio::test]
async fn a_throttled_call_is_made_again() {
    let (service, clients) = Service::start(&[throttled, throttled, nothing]).await;
    let flows = table(&clients).flows();
    let read = flows.batch(&samples::tenant(), BatchId::generate()).await;
    assert_eq!(read.unwrap(), None);
    assert_eq!(service.asked().len(), 3);
}

#[tokio::test]
async fn a_service_that_is_out_of_order_is_unavailable() {
    for fault in [throttled, broken] {
        let (service, clients) = Service::start(&[fault]).await;
        let flows = table(&clients).flows();
        let read = flows.batch(&samples::tenant(), BatchId::generate()).await;
        assert_eq!(read.unwrap_err().dependency, "flows");
        assert_eq!(service.asked().len(), 4);
    }
}

/// In time for a caller who is told so within the 29 seconds that API Gateway leaves.
#[tokio::test]
async fn a_service_that_hangs_is_unavailable_in_time() {
    let (_, clients) = Service::start(&[hanging]).await;
    let flows = table(&clients).flows();
    let tenant = samples::tenant();
    let read = flows.batch(&tenant, BatchId::generate());
    let read = tokio::time::timeout(Duration::from_secs(20), read).await;
    assert_eq!(read.expect("in time").unwrap_err().dependency, "flows");
}

#[tokio::test]
async fn rows_that_were_not_taken_are_written_again() {
    fn all_but_one(body: &Value) -> Response {
        let mut left = body["RequestItems"].clone();
        let rows = left["rows"].as_array_mut().unwrap();
        rows.truncate(1);
        json!({ "UnprocessedItems": left })
            .to_string()
            .into_response()
    }
    let (service, clients) = Service::start(&[all_but_one, nothing]).await;
    let (_, rows) = samples::batch(3);
    table(&clients).flows().put_flows(&rows).await.unwrap();
    let written: Vec<_> = service
        .asked()
        .iter()
        .map(|body| body["RequestItems"]["rows"].as_array().unwrap().len())
        .collect();
    assert_eq!(written, [3, 1]);
}

#[tokio::test]
async fn rows_that_are_never_taken_are_no_success() {
    fn none(body: &Value) -> Response {
        let left = json!({ "UnprocessedItems": body["RequestItems"] });
        left.to_string().into_response()
    }
    let (_, clients) = Service::start(&[none]).await;
    let (_, rows) = samples::batch(1);
    let written = table(&clients).flows().put_flows(&rows).await;
    assert_eq!(written.unwrap_err().dependency, "flows");
}

#[tokio::test]
async fn rows_that_were_not_read_are_asked_for_again() {
    fn none_yet(body: &Value) -> Response {
        let left = json!({ "Responses": {}, "UnprocessedKeys": body["RequestItems"] });
        left.to_string().into_response()
    }
    let (service, clients) = Service::start(&[none_yet, nothing]).await;
    let (_, rows) = samples::batch(1);
    let read = table(&clients).flows();
    let read = read.flows(&samples::tenant(), &[rows[0].id]).await;
    assert_eq!(read.unwrap(), [None]);
    assert_eq!(service.asked().len(), 2);
}

/// Reading another's row would take longer than finding none: it is not even looked at.
#[tokio::test]
async fn the_row_of_another_tenant_is_not_read() {
    const TENANT: &str = "other";
    fn half_a_batch(body: &Value) -> Response {
        let row = json!({ "pk": body["Key"]["pk"], "tenant": { "S": TENANT } });
        json!({ "Item": row }).to_string().into_response()
    }
    fn half_a_flow(body: &Value) -> Response {
        let key = &body["RequestItems"]["rows"]["Keys"][0]["pk"];
        let row = json!({ "pk": key, "tenant": { "S": TENANT } });
        json!({ "Responses": { "rows": [row] } })
            .to_string()
            .into_response()
    }
    let owner = TENANT.parse().unwrap();
    let (_, clients) = Service::start(&[half_a_batch]).await;
    let flows = table(&clients).flows();
    let id = BatchId::generate();
    assert_eq!(flows.batch(&samples::tenant(), id).await.unwrap(), None);
    assert!(flows.batch(&owner, id).await.is_err());
    let (_, clients) = Service::start(&[half_a_flow]).await;
    let flows = table(&clients).flows();
    let ids = [samples::batch(1).1[0].id];
    let read = flows.flows(&samples::tenant(), &ids).await;
    assert_eq!(read.unwrap(), [None]);
    assert!(flows.flows(&owner, &ids).await.is_err());
}

/// An update that took effect and whose answer was lost is refused the second time, by itself: begun from a guess,
/// or from the row.
#[tokio::test]
async fn a_change_whose_answer_was_lost_is_not_made_twice() {
    static ROW: Mutex<Option<Value>> = Mutex::new(None);
    fn lost(body: &Value) -> Response {
        let mut row = ROW.lock().unwrap();
        let row = row.as_mut().unwrap();
        for name in ["unconfirmed_calls", "revision", "written_by"] {
            row[name] = body["ExpressionAttributeValues"][format!(":{name}")].clone();
        }
        (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response()
    }
    fn refused(_: &Value) -> Response {
        let fault = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "Item": ROW.lock().unwrap().clone(),
        });
        (StatusCode::BAD_REQUEST, fault.to_string()).into_response()
    }
    fn kept(_: &Value) -> Response {
        json!({ "Item": ROW.lock().unwrap().clone() })
            .to_string()
            .into_response()
    }
    fn put(body: &Value) -> Response {
        *ROW.lock().unwrap() = Some(body["RequestItems"]["rows"][0]["PutRequest"]["Item"].clone());
        "{}".into_response()
    }
    let from_the_row: &[Answer] = &[put, kept, lost, refused];
    let from_a_guess: &[Answer] = &[put, lost, refused];
    for answers in [from_the_row, from_a_guess] {
        let (service, clients) = Service::start(answers).await;
        let (_, rows) = samples::batch(1);
        let flows = table(&clients).flows();
        let mut row: Flow = rows[0].clone();
        row.fence = 1;
        row.status = assetmill_core::Status::Running {
            lease_until: samples::at(100),
            abandoned: 0,
        };
        flows.put_flows(&[row.clone()]).await.unwrap();
        let begun = if answers.len() == 4 {
            flows.begin_call(row.id, 1, Vec::new()).await
        } else {
            flows.begin_call(&row, 1, Vec::new()).await
        };
        assert_eq!(begun.unwrap(), assetmill_core::Fenced::Done);
        let asked = service.asked();
        assert_eq!(asked.len(), answers.len());
        let [.., last] = &asked[..] else {
            unreachable!("something was asked");
        };
        let values = &last["ExpressionAttributeValues"];
        assert_eq!(values[":unconfirmed_calls"]["N"], "1");
    }
}

#[tokio::test]
async fn messages_that_were_not_taken_are_sent_again() {
    fn second_failed(body: &Value) -> Response {
        let taken =
            json!({ "Id": body["Entries"][0]["Id"], "MessageId": "m", "MD5OfMessageBody": "" });
        let failed = json!({ "Id": body["Entries"][1]["Id"], "Code": "InternalError", "SenderFault": false });
        json!({ "Successful": [taken], "Failed": [failed] })
            .to_string()
            .into_response()
    }
    fn taken(_: &Value) -> Response {
        json!({ "Successful": [], "Failed": [] })
            .to_string()
            .into_response()
    }
    let (service, clients) = Service::start(&[second_failed, taken]).await;
    let (_, rows) = samples::batch(2);
    let messages: Vec<_> = rows
        .iter()
        .map(|row| Outgoing::now(row.message()))
        .collect();
    let queue = Queue::new(&clients, "http://queue.test/1/queue");
    queue.send(&messages).await.unwrap();
    let sent: Vec<_> = service
        .asked()
        .iter()
        .map(|body| body["Entries"].as_array().unwrap().len())
        .collect();
    assert_eq!(sent, [2, 1]);
    let group = &service.asked()[0]["Entries"][0]["MessageGroupId"];
    assert_eq!(*group, rows[0].tenant.to_string());
}

#[tokio::test]
async fn a_message_that_is_refused_is_no_success() {
    fn refused(body: &Value) -> Response {
        let failed = json!({ "Id": body["Entries"][0]["Id"], "Code": "InvalidMessage", "SenderFault": true });
        json!({ "Successful": [], "Failed": [failed] })
            .to_string()
            .into_response()
    }
    let (service, clients) = Service::start(&[refused]).await;
    let (_, rows) = samples::batch(1);
    let queue = Queue::new(&clients, "http://queue.test/1/queue");
    let sent = queue.send(&[Outgoing::now(rows[0].message())]).await;
    assert_eq!(sent.unwrap_err().dependency, "queue");
    assert_eq!(service.asked().len(), 1);
}
