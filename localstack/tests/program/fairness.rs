//! Flows that wait for a vendor keep nobody else waiting.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use crate::assets::Assets;
use crate::support::Program;
use crate::vendor::vendor_allow;

const ALICE: &str = "alice-alice-alice-alice";
const BOB: &str = "bob-bob-bob-bob-bob-bob";

/// A vendor that answers nobody until it is let.
#[derive(Clone)]
struct Stuck {
    /// How often its answer has what it was sent.
    times: usize,
    called: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl Stuck {
    async fn serve() -> (Self, String) {
        Self::answering_times(1).await
    }

    async fn answering_times(times: usize) -> (Self, String) {
        let stuck = Self {
            times,
            called: Arc::new(Semaphore::new(0)),
            answers: Arc::new(Semaphore::new(0)),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/", post(answer))
            .with_state(stuck.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (stuck, url)
    }

    /// Waits until so many calls came.
    async fn called(&self, calls: u32) {
        self.called.acquire_many(calls).await.unwrap().forget();
    }
}

async fn answer(State(stuck): State<Stuck>, body: Bytes) -> Bytes {
    stuck.called.add_permits(1);
    stuck.answers.acquire().await.unwrap().forget();
    Bytes::from(body.repeat(stuck.times))
}

fn catalogue(vendor: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".toml").unwrap();
    write!(
        file,
        "default = \"thumbnail\"
         [operations.thumbnail]
         transform = \"thumbnail\"
         summary = \"Fits\"
         [operations.stuck]
         summary = \"Waits\"
         [operations.stuck.vendor]
         method = \"POST\"
         url = \"{vendor}\"
         encoding = \"raw\"
         asset = {{ as = \"file\" }}
         result = {{ kind = \"body\" }}
        "
    )
    .unwrap();
    file
}

async fn program(
    assets: &Assets,
    vendor: &str,
    catalogue: &NamedTempFile,
    options: &[&str],
) -> Program {
    let (path, allow) = (catalogue.path().display().to_string(), assets.allow());
    let usual = ["--operations", &path, "--fetch-allow", &allow];
    let usual = [&usual[..], &["--vendor-allow", vendor_allow(vendor)]].concat();
    Program::start(&[&usual, options].concat()).await
}

async fn start(program: &Program, key: &str, body: &Value) -> Value {
    let request = program.request(Method::POST, "/api/v2/transforms");
    let answer = request.bearer_auth(key).json(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    answer.json().await.unwrap()
}

async fn completed(program: &Program, key: &str, started: &Value) {
    let path = format!("/api/v2/batches/{}", started["batch_id"].as_str().unwrap());
    let until_completed = async {
        loop {
            let request = program.request(Method::GET, &path).bearer_auth(key);
            let batch: Value = request.send().await.unwrap().json().await.unwrap();
            if batch["status"] == "COMPLETED" {
                return;
            }
        }
    };
    let completed = tokio::time::timeout(Duration::from_mins(1), until_completed);
    assert!(
        completed.await.is_ok(),
        "the batch waits for another tenant's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_ends_while_all_of_another_tenants_flows_wait_for_a_vendor() {
    let (vendor, url) = Stuck::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue(&url);
    let program = program(
        &assets,
        &url,
        &catalogue,
        &[
            "--api-keys",
            &format!("alice:{ALICE},bob:{BOB}"),
            "--workers",
            "8",
        ],
    )
    .await;
    let mut hundred = assets.body((0..100).map(|number| format!("/photo/{number}")));
    hundred["operation"] = json!("stuck");
    let of_alice = start(&program, ALICE, &hundred).await;
    // As many as one tenant may have in the works.
    vendor.called(6).await;
    let ten = assets.body((0..10).map(|number| format!("/photo/{number}")));
    let of_bob = start(&program, BOB, &ten).await;
    completed(&program, BOB, &of_bob).await;
    assert_eq!(vendor.called.available_permits(), 0);
    vendor.answers.add_permits(100);
    completed(&program, ALICE, &of_alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_calls_of_a_slow_vendor_are_in_flight() {
    let (vendor, url) = Stuck::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue(&url);
    let program = program(
        &assets,
        &url,
        &catalogue,
        &["--origin-rate", "10000", "--memory", "64 MiB"],
    )
    .await;
    let mut body = assets.body((0..256).map(|number| format!("/photo/{number}")));
    body["operation"] = json!("stuck");
    let started = program.start_batch(&body).await;
    vendor.called(256).await;
    vendor.answers.add_permits(256);
    let results = program.completed(&started).await;
    assert_eq!(results["counts"]["completed"], 256);
}

/// They come at the same time, and are more than ten times what there is room for.
#[tokio::test(flavor = "multi_thread")]
async fn answers_for_which_there_is_no_room_all_come() {
    let (vendor, url) = Stuck::answering_times(100).await;
    let assets = Assets::serve().await;
    let catalogue = catalogue(&url);
    let program = program(
        &assets,
        &url,
        &catalogue,
        &["--origin-rate", "10000", "--memory", "16 MiB"],
    )
    .await;
    let mut body = assets.body((0..256).map(|number| format!("/photo/{number}")));
    body["operation"] = json!("stuck");
    let started = program.start_batch(&body).await;
    vendor.called(256).await;
    vendor.answers.add_permits(256);
    let results = program.completed(&started).await;
    assert_eq!(results["counts"]["completed"], 256);
}
