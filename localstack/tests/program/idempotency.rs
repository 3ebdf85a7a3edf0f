//! Requests that are sent again under the header `Idempotency-Key`.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::assets::{Assets, jpeg};
use crate::support::Program;
use crate::vendor::{self, Vendor, catalogue_file};

const KEY: &str = "\"order 17\"";

async fn post(program: &Program, path: &str, body: &Value) -> reqwest::Response {
    let request = program.request(Method::POST, path).json(body);
    request.header("Idempotency-Key", KEY).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_many_send_at_once_is_started_once() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let body = assets.body((0..20).map(|number| format!("/photo/{number}")));
    let answers = join_all((0..8).map(|_| post(&program, "/api/v2/transforms", &body))).await;
    let mut told = Vec::new();
    for answer in answers {
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        told.push(answer.json::<Value>().await.unwrap());
    }
    assert!(told.iter().all(|answer| *answer == told[0]), "{told:?}");
    let results = program.settled(&told[0]).await;
    assert_eq!(results["counts"]["completed"], 20, "{results}");
    assert_eq!(assets.asked("/photo/7"), 1);
    let (_, batches) = program.get_json("/api/v2/batches").await;
    assert_eq!(batches["batches"].as_array().unwrap().len(), 1, "{batches}");

    let other = assets.body(["/photo/1".to_owned()]);
    let refused = post(&program, "/api/v2/transforms", &other).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_is_called_once_for_what_is_sent_again() {
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let program = vendor::start(&assets, &url, &catalogue, "open sesame").await;
    let body = json!({ "digital_asset_url": assets.url("/photo/1"), "operation": "copy" });
    // Two while the first runs, and one after it.
    let ask = || post(&program, "/api/v1/transform", &body);
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    let mut flows = Vec::new();
    for answer in [one, two, three, ask().await] {
        assert_eq!(answer.status(), StatusCode::OK);
        flows.push(answer.headers()["assetmill-flow-id"].clone());
        assert_eq!(answer.bytes().await.unwrap(), jpeg(1));
    }
    assert!(flows.iter().all(|flow| *flow == flows[0]), "{flows:?}");
    assert_eq!(vendor.calls(&jpeg(1)), 1);
    assert_eq!(assets.asked("/photo/1"), 1);
}

/// The key outlives the process.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_after_a_crash_is_known() {
    let assets = Assets::serve().await;
    let mut program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let body = assets.body(["/photo/1".to_owned()]);
    let first = post(&program, "/api/v2/transforms", &body).await;
    let first: Value = first.json().await.unwrap();
    program.kill().await;
    let program = program.start_again().await;
    let again = post(&program, "/api/v2/transforms", &body).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let results = program.settled(&first).await;
    assert_eq!(results["counts"]["completed"], 1, "{results}");
}
