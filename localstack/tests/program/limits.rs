//! A vendor that counts, and an operation that keeps to what it allows.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::assets::Assets;
use crate::support::Program;
use crate::vendor::vendor_allow;

/// It allows so many calls in any second.
const ALLOWS: usize = 20;

#[derive(Clone, Default)]
struct Vendor(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    taken: Vec<Instant>,
    refused: u32,
}

impl Vendor {
    async fn serve() -> (Self, String) {
        let vendor = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/copy", post(copy))
            .with_state(vendor.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (vendor, url)
    }
}

async fn copy(State(vendor): State<Vendor>, body: Bytes) -> Response {
    let mut calls = vendor.0.lock().unwrap();
    let lately = |at: &&Instant| at.elapsed() < Duration::from_secs(1);
    if calls.taken.iter().filter(lately).count() >= ALLOWS {
        calls.refused += 1;
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    calls.taken.push(Instant::now());
    body.into_response()
}

async fn start(assets: &Assets, vendor: &str, limits: &str) -> (Program, NamedTempFile) {
    let mut file = NamedTempFile::with_suffix(".toml").unwrap();
    write!(
        file,
        "default = \"copy\"\n[operations.copy]\nsummary = \"Copies\"\nlimits = {{ {limits} }}\n\
         [operations.copy.vendor]\nmethod = \"POST\"\nurl = \"{vendor}copy\"\nencoding = \"raw\"\n\
         asset = {{ as = \"file\" }}\nresult = {{ kind = \"body\" }}\n"
    )
    .unwrap();
    let path = file.path().display().to_string();
    let options = [
        "--operations",
        &path,
        "--fetch-allow",
        &assets.allow(),
        "--vendor-allow",
        vendor_allow(vendor),
    ];
    (Program::start(&options).await, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_asks_its_vendor_for_no_more_than_it_allows() {
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    // Less than it allows: what lies between a slot and its call differs, on a busy machine by half a second.
    let (program, _file) = start(&assets, &url, "rate = \"8/s\", burst = 4").await;
    let paths = (0..40).map(|number| format!("/photo/{number}"));
    let started = program.start_batch(&assets.body(paths)).await;
    let results = program.settled(&started).await;
    assert_eq!(results["counts"]["completed"], 40, "{results}");
    let flows = results["flows"].as_array().unwrap();
    assert!(flows.iter().all(|flow| flow["attempts"] == 1), "{results}");
    let calls = vendor.0.lock().unwrap();
    assert_eq!((calls.refused, calls.taken.len()), (0, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_says_for_what_and_an_operator_stops_it() {
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let (program, _file) = start(&assets, &url, "rate = \"1/h\"").await;
    let body = assets.body(["/photo/1".to_owned(), "/photo/2".to_owned()]);
    let started = program.start_batch(&body).await;
    let waits = |flow: &Value| flow["waiting"]["for"] == "rate";
    let flows = |results: &Value| results["flows"].as_array().cloned().unwrap_or_default();
    let results = program
        .results_when(&started, |results| {
            results["counts"]["completed"] == 1 && flows(results).iter().any(waits)
        })
        .await;
    let flow = flows(&results).into_iter().find(waits).unwrap();
    assert!(flow["waiting"]["until"].is_string(), "{flow}");
    assert_eq!(flow["attempts"], 0, "{flow}");
    let (_, operations) = program.get_json("/api/v2/operations").await;
    let copy = &operations["operations"][0];
    assert_eq!(copy["limits"], json!({ "rate": "1/h", "burst": 1 }));
    assert_eq!(copy["breaker"], json!({ "state": "closed" }));

    let paused = program
        .post_json("/api/v2/operations/copy/pause", &json!({}))
        .await;
    assert_eq!(paused.1["breaker"]["state"], "paused", "{}", paused.1);
    let (_, operations) = program.get_json("/api/v2/operations").await;
    let breaker = &operations["operations"][0]["breaker"];
    assert_eq!(*breaker, paused.1["breaker"]);
    assert_eq!(vendor.0.lock().unwrap().taken.len(), 1);
}

/// Not even once: a hundred thousand that wait must leave the machine to others.
#[tokio::test(flavor = "multi_thread")]
async fn a_flow_of_a_paused_operation_is_not_taken_up() {
    let (_, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let (program, _file) = start(&assets, &url, "rate = \"1000/s\"").await;
    program
        .post_json("/api/v2/operations/copy/pause", &json!({}))
        .await;
    let started = program
        .start_batch(&assets.body((0..20).map(|number| format!("/photo/{number}"))))
        .await;
    let results = program
        .results_when(&started, |results| {
            let flows = results["flows"].as_array().unwrap();
            flows.iter().all(|flow| flow["waiting"]["for"] == "paused")
        })
        .await;
    for flow in results["flows"].as_array().unwrap() {
        let id = flow["flow_id"].as_str().unwrap();
        let (_, flow) = program.get_json(&format!("/api/v2/transforms/{id}")).await;
        let history = flow["history"]["events"].as_array().unwrap();
        let happened: Vec<_> = history.iter().map(|event| &event["event"]).collect();
        assert_eq!(happened, [&json!("accepted"), &json!("waits")], "{flow}");
        assert_eq!(flow["started_at"], json!(null));
    }
}
