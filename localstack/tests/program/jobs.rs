//! A vendor that takes work on, and a program that is killed while the vendor is at it.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::assets::{Assets, jpeg};
use crate::support::Program;
use crate::vendor::vendor_allow;

/// How often it has to be asked about a job until it is done.
const QUESTIONS: u32 = 3;

/// It charges for each job, and tells which one a call was for.
#[derive(Clone, Default)]
struct Vendor(Arc<Mutex<Vec<Job>>>);

struct Job {
    reference: String,
    source: Bytes,
    asked: u32,
}

impl Vendor {
    async fn serve() -> (Self, String) {
        let vendor = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/jobs", post(start))
            .route("/jobs/{id}", get(ask))
            .route("/jobs/{id}/result", get(result))
            .route("/calls/{reference}", get(look_up))
            .with_state(vendor.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (vendor, url)
    }

    /// How many jobs it was given for each source.
    fn jobs(&self) -> HashMap<Bytes, u32> {
        let mut jobs = HashMap::new();
        for job in &*self.0.lock().unwrap() {
            *jobs.entry(job.source.clone()).or_default() += 1;
        }
        jobs
    }
}

async fn start(State(vendor): State<Vendor>, headers: HeaderMap, source: Bytes) -> Json<Value> {
    let reference = headers["idempotency-key"].to_str().unwrap().to_owned();
    let mut jobs = vendor.0.lock().unwrap();
    jobs.push(Job {
        reference,
        source,
        asked: 0,
    });
    Json(json!({ "id": jobs.len() - 1 }))
}

async fn ask(State(vendor): State<Vendor>, Path(id): Path<usize>) -> Json<Value> {
    let job = &mut vendor.0.lock().unwrap()[id];
    job.asked += 1;
    let state = if job.asked < QUESTIONS {
        "working"
    } else {
        "done"
    };
    Json(json!({ "id": id, "state": state }))
}

async fn result(State(vendor): State<Vendor>, Path(id): Path<usize>) -> Bytes {
    vendor.0.lock().unwrap()[id].source.clone()
}

async fn look_up(State(vendor): State<Vendor>, Path(reference): Path<String>) -> Response {
    let jobs = vendor.0.lock().unwrap();
    match jobs.iter().position(|job| job.reference == reference) {
        Some(id) => Json(json!({ "id": id })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn catalogue(vendor: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".toml").unwrap();
    write!(
        file,
        "default = \"slow\"
         [operations.slow]
         summary = \"Copies, by and by\"
         [operations.slow.vendor]
         method = \"POST\"
         url = \"{vendor}jobs\"
         headers = {{ Idempotency-Key = \"{{call:reference}}\" }}
         encoding = \"raw\"
         asset = {{ as = \"file\" }}
         look_up = {{ url = \"{vendor}calls/{{call:reference}}\" }}
         result = {{ kind = \"body\" }}
         [[operations.slow.vendor.then]]
         url = \"{vendor}jobs/{{answer:/id}}\"
         until = {{ at = \"/state\", is = [\"done\"] }}
         every_seconds = 0.2
         [[operations.slow.vendor.then]]
         url = \"{vendor}jobs/{{answer:/id}}/result\"
        "
    )
    .unwrap();
    file
}

async fn start_program(assets: &Assets, url: &str, catalogue: &NamedTempFile) -> Program {
    Program::start(&[
        "--fetch-allow",
        &assets.allow(),
        "--vendor-allow",
        vendor_allow(url),
        "--operations",
        catalogue.path().to_str().unwrap(),
        "--workers",
        "8",
    ])
    .await
}

/// Whoever is started next asks about the jobs that are there, and what became of calls that were cut off.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_killed_goes_on_with_its_jobs() {
    const SIZE: u32 = 60;
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue(&url);
    let mut program = start_program(&assets, &url, &catalogue).await;
    let body = assets.body((0..SIZE).map(|number| format!("/photo/{number}")));
    let started = program.start_batch(&body).await;
    for moment in [2, 20] {
        let enough = |results: &Value| results["counts"]["completed"].as_u64() >= Some(moment);
        program.results_when(&started, enough).await;
        program.kill().await;
        program = program.start_again().await;
    }
    let results = program.settled(&started).await;
    let jobs = vendor.jobs();
    for (number, flow) in (0..SIZE).zip(results["flows"].as_array().unwrap()) {
        assert_eq!(flow["state"], "COMPLETED", "{flow}");
        let made = jobs.get(&Bytes::from(jpeg(number))).copied();
        assert_eq!(made, Some(1), "photo {number}");
    }
}

/// A caller who waits has the result; one who can't wait so long is told where it will be.
#[tokio::test(flavor = "multi_thread")]
async fn a_flow_tells_what_happened_to_it() {
    let (_vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue(&url);
    let program = start_program(&assets, &url, &catalogue).await;
    let started = program
        .start_batch(&assets.body(["/photo/1".to_owned()]))
        .await;
    let results = program.settled(&started).await;
    let id = results["flows"][0]["flow_id"].as_str().unwrap();
    let (_, flow) = program.get_json(&format!("/api/v2/transforms/{id}")).await;
    let events = flow["history"]["events"].as_array().unwrap();
    let happened: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        happened,
        [
            "accepted",
            "claimed",
            "fetched",
            "sent_to_vendor",
            "taken_by_vendor",
            "waits",
            "stored",
            "completed"
        ],
        "{flow:#}"
    );
    assert_eq!(events[5]["for"], "vendor_job");
    assert_eq!(
        (&flow["attempts"], &flow["unconfirmed_calls"]),
        (&json!(1), &json!(0))
    );
}
