//! Vendor operations, against a stub of a vendor.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::activity;
use crate::assets::{Assets, jpeg};
use crate::support::Program;
use crate::uploads::upload;

/// A vendor that charges for each call that it answers with a picture.
#[derive(Clone, Default)]
pub(crate) struct Vendor {
    calls: Arc<Mutex<HashMap<Vec<u8>, u32>>>,
    throttled: Arc<Mutex<HashSet<Vec<u8>>>>,
}

impl Vendor {
    /// Serves the vendor; it and its URL.
    pub(crate) async fn serve() -> (Self, String) {
        let vendor = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/copy", post(copy))
            .route("/throttle", post(throttle))
            .with_state(vendor.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (vendor, url)
    }

    /// How often the vendor was paid for this source.
    pub(crate) fn calls(&self, source: &[u8]) -> u32 {
        self.calls
            .lock()
            .unwrap()
            .get(source)
            .copied()
            .unwrap_or_default()
    }
}

async fn copy(State(vendor): State<Vendor>, headers: HeaderMap, body: Bytes) -> Response {
    if headers
        .get("x-api-key")
        .is_none_or(|key| key != "open sesame")
    {
        let problem = json!({ "message": "no such key" }).to_string();
        return (StatusCode::FORBIDDEN, problem).into_response();
    }
    *vendor
        .calls
        .lock()
        .unwrap()
        .entry(body.to_vec())
        .or_default() += 1;
    // A vendor takes its time, so that a crash finds calls in flight.
    tokio::time::sleep(Duration::from_millis(20)).await;
    body.into_response()
}

async fn throttle(State(vendor): State<Vendor>, headers: HeaderMap, body: Bytes) -> Response {
    if vendor.throttled.lock().unwrap().insert(body.to_vec()) {
        return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")]).into_response();
    }
    copy(State(vendor), headers, body).await
}

/// A catalogue with a quick retry, and operations of the vendor at this URL. `copy-again` is called again unasked
/// where nobody knows how a call ended.
pub(crate) fn catalogue_file(vendor: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".toml").unwrap();
    let retry = "retry = { max_attempts = 4, base_seconds = 0.05, cap_seconds = 0.2 }";
    write!(
        file,
        "default = \"thumbnail\"\n[operations.thumbnail]\ntransform = \"thumbnail\"\nsummary = \"Fits\"\n{retry}\n"
    )
    .unwrap();
    let never = "rejected_only";
    for (name, path, resend) in [
        ("copy", "copy", never),
        ("copy-again", "copy", "always"),
        ("throttle", "throttle", never),
    ] {
        write!(
            file,
            "[operations.{name}]
             summary = \"Copies\"
             {retry}
             [operations.{name}.vendor]
             method = \"POST\"
             url = \"{vendor}{path}\"
             resend = \"{resend}\"
             headers = {{ \"X-Api-Key\" = \"{{env:VENDOR_KEY}}\" }}
             encoding = \"raw\"
             asset = {{ as = \"file\" }}
             result = {{ kind = \"body\" }}
             error = {{ message = \"/message\" }}
            "
        )
        .unwrap();
    }
    file
}

/// `--vendor-allow` for the vendor at this URL.
pub(crate) fn vendor_allow(vendor: &str) -> &str {
    vendor.trim_start_matches("http://").trim_end_matches('/')
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_is_not_paid_twice_for_the_same_work() {
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let program = start(&assets, &url, &catalogue, "open sesame").await;
    let mut body = assets.body((0..12).map(|number| format!("/photo/{}", number % 3)));
    body["operation"] = json!("copy");
    let started = program.start_batch(&body).await;
    let results = program.settled(&started).await;
    assert_eq!(results["counts"]["completed"], 12, "{results}");
    for number in 0..3 {
        assert_eq!(vendor.calls(&jpeg(number)), 1);
    }
    let flows = results["flows"].as_array().unwrap();
    assert!(flows.iter().all(|flow| flow["unconfirmed_calls"] == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_429_waits_and_costs_no_attempt() {
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let program = start(&assets, &url, &catalogue, "open sesame").await;
    let body = json!({
        "digital_asset_url": assets.url("/photo/1"),
        "operation": "throttle",
    });
    let answer = program.post("/api/v1/transform", &body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let id = answer.headers()["assetmill-flow-id"].to_str().unwrap();
    let (_, flow) = program.get_json(&format!("/api/v2/transforms/{id}")).await;
    assert_eq!(flow["attempts"], 1, "{flow}");
    assert_eq!(vendor.calls(&jpeg(1)), 1);
}

/// A stop loses none of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_is_counted_and_no_more() {
    let (_, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let mut program = start(&assets, &url, &catalogue, "open sesame").await;
    // Of two flows with the same asset one pays, and whoever is told 429 does not.
    for (operation, flows) in [("copy", 6), ("throttle", 3)] {
        let mut body = assets.body((0..flows).map(|number| format!("/photo/{}", number % 3)));
        body["operation"] = json!(operation);
        let started = program.start_batch(&body).await;
        let results = program.settled(&started).await;
        assert_eq!(results["counts"]["completed"], flows, "{results}");
    }
    // This one is refused.
    let body = json!({ "digital_asset_url": assets.url("/status/404"), "operation": "copy" });
    let (status, problem) = program.post_json("/api/v1/transform", &body).await;
    assert!(status.is_client_error(), "{problem}");
    let (printed, _) = program.terminate().await;
    assert!(printed.contains("Stopped"), "{printed}");
    let program = program.start_again().await;
    let (_, told) = program.get_json(activity::PATH).await;
    assert_eq!(activity::sums(&told), [9, 1, 0, 6], "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_the_operators_problem_and_stays_secret() {
    let (_, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let program = start(&assets, &url, &catalogue, "a wrong one").await;
    let body = json!({ "digital_asset_url": assets.url("/photo/1"), "operation": "copy" });
    let (status, problem) = program.post_json("/api/v1/transform", &body).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{problem}");
    assert_eq!(problem["code"], "vendor_denied");
    assert!(
        problem["detail"].as_str().unwrap().contains("no such key"),
        "{problem}"
    );
    assert!(!problem.to_string().contains("a wrong one"), "{problem}");
}

/// Neither list opens to the one what it opens to the other.
#[tokio::test(flavor = "multi_thread")]
async fn what_vendors_may_be_called_at_is_closed_to_assets_and_the_other_way_round() {
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let program = start(&assets, &url, &catalogue, "open sesame").await;
    let body = json!({ "digital_asset_url": format!("{url}copy") });
    let (status, problem) = program.post_json("/api/v1/transform", &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(problem["code"], "source_refused");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("ASSETMILL_FETCH_ALLOW"), "{detail}");

    let both = format!("{},{}", assets.allow(), vendor_allow(&url));
    let path = catalogue.path().display().to_string();
    let options = ["--operations", &path, "--fetch-allow", &both];
    let program = Program::start_with(&options, &[("VENDOR_KEY", "open sesame")]).await;
    let body = json!({ "digital_asset_url": assets.url("/photo/1"), "operation": "copy" });
    let (_, problem) = program.post_json("/api/v1/transform", &body).await;
    assert_eq!(problem["code"], "operation_unavailable", "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("ASSETMILL_VENDOR_ALLOW"), "{detail}");
    assert_eq!(vendor.calls(&jpeg(1)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_without_its_key_is_off() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let (_, operations) = program.get_json("/api/v2/operations").await;
    let operations = operations["operations"].as_array().unwrap().clone();
    let off = operations
        .iter()
        .find(|operation| operation["name"] == "remove-background")
        .unwrap();
    assert_eq!(off["available"], false, "{off}");
    let body = json!({
        "digital_asset_url": assets.url("/photo/1"),
        "operation": "remove-background",
    });
    let (status, problem) = program.post_json("/api/v1/transform", &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(problem["code"], "operation_unavailable");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("REMOVE_BG_API_KEY"),
        "{problem}"
    );
}

/// Starts the program with this catalogue and key.
pub(crate) async fn start(
    assets: &Assets,
    vendor: &str,
    catalogue: &NamedTempFile,
    key: &str,
) -> Program {
    let path = catalogue.path().display().to_string();
    let options = [
        "--operations",
        &path,
        "--fetch-allow",
        &assets.allow(),
        "--vendor-allow",
        vendor_allow(vendor),
    ];
    Program::start_with(&options, &[("VENDOR_KEY", key)]).await
}

/// A vendor that wants a URL is told one that it can fetch the upload from.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_is_told_a_url_of_an_upload() {
    let vendor = Router::new().route(
        "/copy",
        post(async |Json(asked): Json<Value>| {
            let url = asked["image"].as_str().unwrap().to_owned();
            reqwest::get(url).await.unwrap().bytes().await.unwrap()
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, vendor).await.unwrap() });
    let mut catalogue = NamedTempFile::with_suffix(".toml").unwrap();
    write!(
        catalogue,
        "default = \"copy\"\n[operations.copy]\nsummary = \"Copies\"\n[operations.copy.vendor]\nmethod = \"POST\"
         url = \"http://{address}/copy\"\nencoding = \"json\"\nasset = {{ as = \"url\", field = \"image\" }}
         result = {{ kind = \"body\" }}\n"
    )
    .unwrap();
    let path = catalogue.path().display().to_string();
    let options = [
        "--operations",
        &path,
        "--vendor-allow",
        &address.to_string(),
    ];
    let program = Program::start(&options).await;
    let uploaded = upload(&program, jpeg(3)).await;
    let body = json!({ "digital_asset_url": uploaded["digital_asset_url"] });
    let answer = program.post("/api/v1/transform", &body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.bytes().await.unwrap(), jpeg(3));
}
