//! Vendors that are asked for the result until they have it.

use assetmill_core::{FailureCode, OperationError};
use serde_json::{Value, json};

use super::{Scripted, scripted};
use crate::stub::{JPEG, KEY, PNG, Stub, operation, run, shipped_for};

/// A shipped operation that asks again at once.
fn impatient(stub: &Stub, name: &str) -> std::sync::Arc<dyn assetmill_core::Operation> {
    let text = shipped_for(stub.address).replace(
        "\ntimeout_seconds",
        "\njob_timeout_seconds = 1\ntimeout_seconds",
    );
    let quick: Vec<String> = text
        .lines()
        .map(|line| match line.split_once("every_seconds = ") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{before}every_seconds = 0.01{rest}")
            }
            None => line.to_owned(),
        })
        .collect();
    operation(name, &quick.join("\n"), stub.address)
}

fn targets(stub: &Stub) -> Vec<String> {
    let received = stub.received();
    let line = |request: &crate::stub::Received| format!("{} {}", request.method, request.target);
    received.iter().map(line).collect()
}

#[tokio::test]
async fn tinify() {
    let created = Scripted::json(
        201,
        json!({
            "input": { "size": 282, "type": "image/jpeg" },
            "output": { "size": 100, "type": "image/jpeg", "ratio": 0.35, "url": "BASE/output/x" },
        }),
    );
    let created = created
        .with("location", "BASE/output/x")
        .with("compression-count", "7");
    let stub = scripted(vec![created, Scripted::bytes(200, JPEG)]).await;
    let product = run(&stub.shipped("compress-tinify")).await.unwrap();
    assert_eq!(product.content, JPEG);
    assert_eq!(targets(&stub), ["POST /shrink", "GET /output/x"]);
    for request in stub.received() {
        // base64 of "api:" and the key
        assert_eq!(
            request.header("authorization"),
            Some("Basic YXBpOnNrLXZlcnkvc2VjcmV0")
        );
    }
    assert_eq!(stub.received()[0].body, JPEG);
}

#[tokio::test]
async fn stability_creative() {
    let stub = scripted(vec![
        Scripted::json(200, json!({ "id": "a6dc6c6e" })),
        Scripted::json(202, json!({ "id": "a6dc6c6e", "status": "in-progress" })),
        Scripted::bytes(200, PNG),
    ])
    .await;
    let operation = impatient(&stub, "upscale-creative-stability");
    assert_eq!(run(&operation).await.unwrap().content, PNG);
    assert_eq!(
        targets(&stub),
        [
            "POST /v2beta/stable-image/upscale/creative",
            "GET /v2beta/results/a6dc6c6e",
            "GET /v2beta/results/a6dc6c6e",
        ]
    );
}

fn prediction(status: &str, output: &Value) -> Value {
    json!({
        "id": "gm3qorzdhgbfurvjtvhg6dckhu",
        "status": status,
        "output": output,
        "error": if status == "failed" { json!("CUDA out of memory") } else { json!(null) },
        "urls": { "get": "BASE/v1/predictions/gm3", "cancel": "BASE/v1/predictions/gm3/cancel" },
    })
}

#[tokio::test]
async fn replicate() {
    let stub = scripted(vec![
        Scripted::json(201, prediction("starting", &json!(null))),
        Scripted::json(200, prediction("processing", &json!(null))),
        Scripted::json(429, json!({ "detail": "Request was throttled." })).with("retry-after", "0"),
        Scripted::json(200, prediction("succeeded", &json!("BASE/out.png"))),
        Scripted::bytes(200, PNG),
    ])
    .await;
    let operation = impatient(&stub, "remove-background-replicate");
    assert_eq!(run(&operation).await.unwrap().content, PNG);
    let received = stub.received();
    assert_eq!(received.len(), 5, "{received:?}");
    assert_eq!(received[0].header("prefer"), Some("wait"));
    assert_eq!(received[0].json()["input"]["image"], crate::stub::SOURCE);
    assert_eq!(received[3].target, "/v1/predictions/gm3");
    assert_eq!(received[4].header("authorization"), None);
}

#[tokio::test]
async fn a_prediction_that_failed_is_not_asked_for_again() {
    let stub = scripted(vec![
        Scripted::json(201, prediction("starting", &json!(null))),
        Scripted::json(200, prediction("failed", &json!(null))),
    ])
    .await;
    let operation = impatient(&stub, "remove-background-replicate");
    assert_eq!(
        run(&operation).await.unwrap_err(),
        OperationError::permanent(
            FailureCode::VendorRejected,
            "the vendor answered 200: CUDA out of memory"
        )
    );
    assert_eq!(stub.received().len(), 2);
}

fn queued() -> Scripted {
    Scripted::json(
        200,
        json!({
            "request_id": "80e732af",
            "status": "IN_QUEUE",
            "status_url": "BASE/fal-ai/birefnet/requests/80e732af/status",
            "response_url": "BASE/fal-ai/birefnet/requests/80e732af",
            "queue_position": 0,
        }),
    )
}

#[tokio::test]
async fn fal() {
    let response = "BASE/fal-ai/birefnet/requests/80e732af";
    let status = |status: &str| json!({ "status": status, "response_url": response });
    let stub = scripted(vec![
        queued(),
        Scripted::json(202, status("IN_PROGRESS")),
        Scripted::json(200, status("COMPLETED")),
        Scripted::json(200, json!({ "image": { "url": "BASE/a.png", "width": 8 } })),
        Scripted::bytes(200, PNG),
    ])
    .await;
    let operation = impatient(&stub, "remove-background-fal");
    assert_eq!(run(&operation).await.unwrap().content, PNG);
    let key = format!("Key {KEY}");
    let received = stub.received();
    assert_eq!(received[3].header("authorization"), Some(key.as_str()));
    assert_eq!(
        targets(&stub)[1..4],
        [
            "GET /fal-ai/birefnet/requests/80e732af/status",
            "GET /fal-ai/birefnet/requests/80e732af/status",
            "GET /fal-ai/birefnet/requests/80e732af",
        ]
    );
}

#[tokio::test]
async fn fal_completes_with_an_error() {
    let failed = json!({
        "status": "COMPLETED",
        "error": "The image is not allowed",
        "error_type": "content_policy_violation",
    });
    let stub = scripted(vec![queued(), Scripted::json(200, failed)]).await;
    let error = run(&impatient(&stub, "remove-background-fal")).await;
    assert_eq!(
        error.unwrap_err().failure().code,
        FailureCode::VendorModerated
    );
}

#[tokio::test]
async fn bria() {
    let status_url = "BASE/v2/status/5d1f";
    let stub = scripted(vec![
        Scripted::json(
            202,
            json!({ "request_id": "5d1f", "status_url": status_url }),
        ),
        Scripted::json(
            200,
            json!({ "request_id": "5d1f", "status": "IN_PROGRESS" }),
        ),
        Scripted::json(
            200,
            json!({ "status": "COMPLETED", "result": { "image_url": "BASE/out.png" } }),
        ),
        Scripted::bytes(200, PNG),
    ])
    .await;
    let operation = impatient(&stub, "remove-background-bria");
    assert_eq!(run(&operation).await.unwrap().content, PNG);
    let received = stub.received();
    assert_eq!(received[0].target, "/v2/image/edit/remove_background");
    assert_eq!(received[1].header("api_token"), Some(KEY));
    assert_eq!(received[3].header("api_token"), None);
}

#[tokio::test]
async fn the_key_goes_to_no_other_host() {
    let elsewhere = scripted(vec![Scripted::bytes(200, PNG)]).await;
    let away = format!("http://{}/x", elsewhere.address);
    let stub = scripted(vec![Scripted::json(
        202,
        json!({ "request_id": "5d1f", "status_url": away }),
    )])
    .await;
    let error = run(&impatient(&stub, "remove-background-bria")).await;
    let failure = error.unwrap_err().failure().clone();
    assert_eq!(failure.code, FailureCode::VendorResponseInvalid);
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn a_result_that_can_not_be_asked_for_is_not_paid_again() {
    let stub = scripted(vec![
        Scripted::json(
            202,
            json!({ "request_id": "5d1f", "status_url": "BASE/v2/status/5d1f" }),
        ),
        Scripted::json(500, json!({ "error": { "message": "down" } })),
    ])
    .await;
    match run(&impatient(&stub, "remove-background-bria")).await {
        Err(OperationError::Abandoned(failure)) => {
            assert!(failure.message.contains("down"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    let posts = targets(&stub);
    let posts = posts.iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1);
}
