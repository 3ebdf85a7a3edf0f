//! What a vendor took on, from one question to the next, as if each were asked by another process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assetmill_core::{
    Asset, Call, CallReference, FailureCode, Job, JobCall, LookUp, Operation, OperationError,
    Params, Run,
};
use axum::Json;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::stub::{JPEG, KEY, PNG, Received, SOURCE, Stub};

fn call(reference: &str) -> Call {
    Call {
        backpressure: assetmill_core::Backpressure::default(),
        tenant: "acme".parse().unwrap(),
        asset: Asset {
            url: SOURCE.parse().unwrap(),
            content: Bytes::from_static(JPEG),
        },
        params: Params::default(),
        reference: serde_json::from_value(json!(reference)).unwrap(),
    }
}

/// A question of a process that was started since.
fn later(job: &Job) -> JobCall {
    question(job, false)
}

/// A question of the process that kept the state.
fn at_once(job: &Job) -> JobCall {
    question(job, true)
}

fn question(job: &Job, fresh: bool) -> JobCall {
    JobCall {
        tenant: "acme".parse().unwrap(),
        asset_url: SOURCE.parse().unwrap(),
        asset: None,
        params: Params::default(),
        state: job.state.clone(),
        fresh,
    }
}

fn taken(run: Run) -> Job {
    match run {
        Run::Taken(job) => job,
        Run::Done(product) => panic!("{product:?}"),
    }
}

fn targets(stub: &Stub) -> Vec<String> {
    let received = stub.received();
    let line = |request: &Received| format!("{} {}", request.method, request.target);
    received.iter().map(line).collect()
}

fn vendor(more: &str) -> String {
    format!(
        "[operations.v.vendor]\nmethod = \"POST\"\nurl = \"http://BASE/jobs\"\n\
         headers = {{ Authorization = \"Bearer {{env:KEY}}\", Reference = \"{{call:reference}}\" }}\n\
         encoding = \"raw\"\nasset = {{ as = \"file\" }}\n{more}\n"
    )
}

const POLLED: &str = "result = { kind = \"url\", at = \"/result\" }\n\
    then = { url = \"http://BASE/jobs/{answer:/id}\", until = { at = \"/state\", is = [\"done\"] }, every_seconds = 7 }";

async fn started(
    more: &str,
    answer: impl Fn(&Received) -> Response + Clone + Send + Sync + 'static,
) -> (Stub, Arc<dyn Operation>) {
    let stub = Stub::start(answer).await;
    let text = vendor(more).replace("BASE", &stub.address.to_string());
    let operation = stub.vendor(&text);
    (stub, operation)
}

fn jobs(asked: &Arc<AtomicU32>) -> impl Fn(&Received) -> Response + Clone + use<> {
    let asked = asked.clone();
    move |request| match (request.method.as_str(), request.target.as_str()) {
        ("POST", _) => Json(json!({ "id": 77, "more": "of no use" })).into_response(),
        ("GET", "/out") => PNG.into_response(),
        ("GET", _) if asked.fetch_add(1, Ordering::SeqCst) < 2 => {
            Json(json!({ "state": "working" })).into_response()
        }
        _ => {
            let host = request.header("host").unwrap();
            let result = format!("http://{host}/out");
            Json(json!({ "state": "done", "result": result })).into_response()
        }
    }
}

#[tokio::test]
async fn a_job_goes_on_in_another_process() {
    let asked = Arc::default();
    let (stub, operation) = started(POLLED, jobs(&asked)).await;
    let mut job = taken(operation.begin(call("r")).await.unwrap());
    assert_eq!(job.ask_after, Duration::ZERO);
    for _ in 0..2 {
        job = taken(operation.ask(later(&job)).await.unwrap());
        assert_eq!(
            (job.ask_after, &job.trouble),
            (Duration::from_secs(7), &None)
        );
    }
    let Run::Done(product) = operation.ask(later(&job)).await.unwrap() else {
        panic!("not done");
    };
    assert_eq!(product.content, PNG);
    let get = "GET /jobs/77";
    assert_eq!(targets(&stub), ["POST /jobs", get, get, get, "GET /out"]);
}

#[tokio::test]
async fn what_is_kept_of_a_job_is_what_the_next_request_takes_and_no_secret() {
    let asked = Arc::default();
    let (_stub, operation) = started(POLLED, jobs(&asked)).await;
    let job = taken(operation.begin(call("r")).await.unwrap());
    let state: Value = serde_json::from_str(&job.state).unwrap();
    assert_eq!(state["values"], json!({ "/id": 77 }));
    assert!(
        !job.state.contains(KEY) && !job.state.contains("of no use"),
        "{}",
        job.state
    );
}

#[tokio::test]
async fn a_vendor_that_can_not_be_asked_is_asked_again_and_more_seldom() {
    let (stub, operation) = started(POLLED, |request| match request.method.as_str() {
        "POST" => Json(json!({ "id": 77 })).into_response(),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    })
    .await;
    let mut job = taken(operation.begin(call("r")).await.unwrap());
    let mut rests = Vec::new();
    for _ in 0..6 {
        job = taken(operation.ask(later(&job)).await.unwrap());
        assert!(job.trouble.is_some());
        rests.push(job.ask_after.as_secs());
    }
    assert_eq!(rests, [7, 14, 28, 56, 60, 60]);
    let posts = targets(&stub)
        .iter()
        .filter(|line| line.starts_with("POST"))
        .count();
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn a_result_that_is_not_there_yet_is_fetched_by_another_process() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let (stub, operation) = started(
        "result = { kind = \"url\", at = \"/result\" }",
        move |request| match (request.method.as_str(), count.load(Ordering::SeqCst)) {
            ("POST", _) => {
                let host = request.header("host").unwrap();
                Json(json!({ "result": format!("http://{host}/out") })).into_response()
            }
            (_, 0) => StatusCode::BAD_GATEWAY.into_response(),
            _ => PNG.into_response(),
        },
    )
    .await;
    let job = taken(operation.begin(call("r")).await.unwrap());
    // It is fetched by who kept where it is, and may be lost without harm.
    assert_eq!(targets(&stub).len(), 1);
    let job = taken(operation.ask(later(&job)).await.unwrap());
    assert!(
        job.trouble.as_ref().unwrap().message.contains("502"),
        "{job:?}"
    );
    asked.store(1, Ordering::SeqCst);
    let Run::Done(product) = operation.ask(later(&job)).await.unwrap() else {
        panic!("not done");
    };
    assert_eq!(product.content, PNG);
    let posts = targets(&stub)
        .iter()
        .filter(|line| line.starts_with("POST"))
        .count();
    assert_eq!(posts, 1);
}

/// A request that follows and is no GET may be what is charged.
#[tokio::test]
async fn a_request_that_can_not_be_repeated_is_announced_first() {
    let then = "result = { kind = \"body\" }\n\
        then = { method = \"POST\", url = \"http://BASE/jobs/{answer:/id}/start\" }";
    let answer = |request: &Received| match request.target.as_str() {
        "/jobs" => Json(json!({ "id": 1 })).into_response(),
        _ => PNG.into_response(),
    };
    let (stub, operation) = started(then, answer).await;
    let job = taken(operation.begin(call("r")).await.unwrap());
    let announced = taken(operation.ask(at_once(&job)).await.unwrap());
    assert_eq!(announced.ask_after, Duration::ZERO);
    assert_eq!(targets(&stub), ["POST /jobs"]);
    // Who kept that goes on; whoever finds it can't know whether it was sent.
    match operation.ask(later(&announced)).await.unwrap_err() {
        OperationError::Abandoned(failure) => {
            assert_eq!(failure.code, FailureCode::VendorUnconfirmed);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(targets(&stub), ["POST /jobs"]);
    let Run::Done(product) = operation.ask(at_once(&announced)).await.unwrap() else {
        panic!("not done");
    };
    assert_eq!(product.content, PNG);
    assert_eq!(targets(&stub), ["POST /jobs", "POST /jobs/1/start"]);
}

const LOOKED_UP: &str =
    "result = { kind = \"body\" }\nlook_up = { url = \"http://BASE/calls/{call:reference}\" }";

#[tokio::test]
async fn a_call_is_looked_up_by_what_it_was_sent_with() {
    for (status, expected) in [(200, "found"), (404, "absent"), (500, "unknown")] {
        let (stub, operation) = started(LOOKED_UP, move |request| match request.method.as_str() {
            "GET" => (StatusCode::from_u16(status).unwrap(), PNG).into_response(),
            _ => PNG.into_response(),
        })
        .await;
        assert!(operation.looks_up());
        let reference = CallReference::new(assetmill_core::FlowId::generate(), 3);
        operation.begin(call(reference.as_str())).await.unwrap();
        let found = operation.look_up(call(reference.as_str())).await.unwrap();
        let is = match found {
            LookUp::Found(Run::Done(product)) if product.content == PNG => "found",
            LookUp::Absent => "absent",
            LookUp::Unknown(failure) if failure.code == FailureCode::VendorUnconfirmed => "unknown",
            other => panic!("{other:?}"),
        };
        assert_eq!(is, expected);
        let received = stub.received();
        assert_eq!(received[0].header("reference"), Some(reference.as_str()));
        assert_eq!(received[1].target, format!("/calls/{reference}"));
    }
}

#[tokio::test]
async fn a_call_that_was_taken_on_is_found_as_its_job() {
    let more = format!("{POLLED}\nlook_up = {{ url = \"http://BASE/calls/{{call:reference}}\" }}");
    let (_stub, operation) = started(&more, |_| Json(json!({ "id": 5 })).into_response()).await;
    match operation.look_up(call("r")).await.unwrap() {
        LookUp::Found(Run::Taken(job)) => assert!(job.state.contains("\"/id\":5"), "{job:?}"),
        other => panic!("{other:?}"),
    }
}

/// A vendor of which nothing remains says so along with the product: the next call would be refused.
#[tokio::test]
async fn that_nothing_remains_is_noted_for_those_who_come_next() {
    for (remaining, expected) in [("0", Some(Duration::from_secs(37))), ("1", None)] {
        let stub = Stub::start(move |_: &Received| {
            let headers = [
                ("content-type", "image/png"),
                ("x-ratelimit-remaining", remaining),
                ("x-ratelimit-reset", "37"),
            ];
            (headers, PNG).into_response()
        })
        .await;
        let call = call("r");
        let backpressure = call.backpressure.clone();
        let run = stub.remove_bg().begin(call).await.unwrap();
        assert!(matches!(run, Run::Done(_)), "{run:?}");
        assert_eq!(backpressure.asked(), expected);
    }
}
