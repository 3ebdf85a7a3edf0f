//! With keys, one caller never sees another's flows.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::assets::jpeg;
use crate::support::Program;

const ALICE: &str = "alice-alice-alice-alice";
const BOB: &str = "bob-bob-bob-bob-bob-bob";

async fn ask(
    program: &Program,
    key: Option<&str>,
    path: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let mut request = program.request(Method::POST, path).json(body);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_of_others_do_not_exist() {
    let keys = format!("alice:{ALICE},bob:{BOB}");
    let program = Program::start(&["--api-keys", &keys]).await;
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let (status, started) = ask(&program, Some(ALICE), "/api/v2/transforms", &body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let results = "/api/v2/transforms/results";
    let (_, mine) = ask(&program, Some(ALICE), results, &started["flow_ids"]).await;
    assert_ne!(mine["flows"][0]["state"], "NOT_FOUND");
    let (_, theirs) = ask(&program, Some(BOB), results, &started["flow_ids"]).await;
    assert_eq!(theirs["flows"][0]["state"], "NOT_FOUND");
    let batch = started["batch_id"].as_str().unwrap();
    let cancel = format!("/api/v2/batches/{batch}/cancel");
    let (status, _) = ask(&program, Some(BOB), &cancel, &json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_nothing_is_answered() {
    let keys = format!("alice:{ALICE}");
    let program = Program::start(&["--api-keys", &keys]).await;
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    for key in [None, Some("wrong-wrong-wrong-wrong")] {
        let (status, problem) = ask(&program, key, "/api/v2/transforms", &body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(problem["code"], "unauthorized");
    }
    let (status, _) = program.get_json("/health").await;
    assert_eq!(status, StatusCode::OK);
}

/// The same content of another is not there for this one.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_of_its_tenant_alone() {
    let keys = "acme:some-key-of-acme,globex:some-key-of-globex";
    let program = Program::start(&["--api-keys", keys]).await;
    let request = program.request(Method::POST, "/api/v2/assets");
    let request = request.header("x-api-key", "some-key-of-acme");
    let request = request.header("content-type", "image/jpeg");
    let uploaded: Value = request
        .body(jpeg(2))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    for (key, status) in [
        ("some-key-of-acme", StatusCode::OK),
        ("some-key-of-globex", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let request = program.request(Method::POST, "/api/v1/transform");
        let body = json!({ "digital_asset_url": uploaded["digital_asset_url"] });
        let answer = request
            .header("x-api-key", key)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{key}");
    }
}
