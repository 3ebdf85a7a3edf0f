//! What the documented errors of each vendor come to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use assetmill_core::{FailureCode, OperationError};
use serde_json::{Value, json};

use super::{Scripted, scripted};
use crate::stub::run;

/// The code, whether a retry could help, and the message.
async fn told(name: &str, answer: Scripted) -> (FailureCode, bool, String) {
    let stub = scripted(vec![answer]).await;
    let error = run(&stub.shipped(name)).await.unwrap_err();
    assert_eq!(stub.received().len(), 1);
    let failure = error.failure();
    (failure.code, failure.retryable, failure.message.clone())
}

fn remove_bg(code: &str) -> Value {
    json!({ "errors": [{ "title": "No", "detail": "No.", "code": code }] })
}

fn openai(code: &str) -> Value {
    json!({ "error": { "message": "No", "type": "image_generation_user_error", "code": code } })
}

/// An operation, the vendor's status and body, and the code and whether a retry could help.
type Documented = (&'static str, u16, Value, FailureCode, bool);

#[rustfmt::skip]
fn documented() -> Vec<Documented> {
    use FailureCode::{
        VendorDenied, VendorModerated, VendorRejected, VendorThrottled, VendorUnavailable,
    };
    let photoroom = |detail| json!({ "detail": detail, "status_code": 400, "type": "invalid" });
    let stability = |name| json!({ "id": "x", "name": name, "errors": ["No"] });
    let tinify = |error| json!({ "error": error, "message": "No" });
    let replicate = |title| json!({ "title": title, "detail": "No" });
    let fal = json!({ "detail": [{ "loc": ["body"], "msg": "No", "type": "value_error" }] });
    let bria = json!({ "error": { "code": 422, "message": "No" }, "request_id": "x" });
    let kraken = json!({ "success": false, "message": "No" });
    vec![
        ("remove-background", 400, remove_bg("unknown_foreground"), VendorRejected, false),
        ("remove-background", 400, remove_bg("failed_image_download"), VendorUnavailable, true),
        ("remove-background", 402, remove_bg("insufficient_credits"), VendorDenied, false),
        ("remove-background", 403, remove_bg("auth_failed"), VendorDenied, false),
        ("remove-background", 429, remove_bg("rate_limit_exceeded"), VendorThrottled, true),
        ("remove-background-photoroom", 400, photoroom("No"), VendorRejected, false),
        ("remove-background-photoroom", 402, photoroom("No"), VendorDenied, false),
        ("remove-background-clipdrop", 402, json!({ "error": "No" }), VendorDenied, false),
        ("remove-background-clipdrop", 429, json!({ "error": "No" }), VendorThrottled, true),
        ("upscale-stability", 400, stability("bad_request"), VendorRejected, false),
        ("upscale-stability", 401, stability("unauthorized"), VendorDenied, false),
        ("upscale-stability", 403, stability("content_moderation"), VendorModerated, false),
        ("upscale-creative-stability", 403, stability("content_moderation"), VendorModerated, false),
        ("compress-tinify", 401, tinify("Unauthorized"), VendorDenied, false),
        ("compress-tinify", 415, tinify("Unsupported media type"), VendorRejected, false),
        ("compress-tinify", 429, tinify("Too many requests"), VendorDenied, false),
        ("compress-tinify", 503, tinify("Service unavailable"), VendorUnavailable, true),
        ("remove-background-replicate", 401, replicate("Unauthenticated"), VendorDenied, false),
        ("remove-background-replicate", 422, replicate("Invalid version"), VendorRejected, false),
        ("remove-background-replicate", 429, json!({ "detail": "No" }), VendorThrottled, true),
        ("remove-background-fal", 422, fal, VendorRejected, false),
        ("remove-background-bria", 422, bria, VendorModerated, false),
        ("edit-openai", 400, openai("moderation_blocked"), VendorModerated, false),
        ("edit-openai", 429, openai("insufficient_quota"), VendorDenied, false),
        ("edit-openai", 429, openai("rate_limit_exceeded"), VendorThrottled, true),
        ("compress-kraken", 200, kraken.clone(), VendorRejected, false),
        ("compress-kraken", 422, kraken, VendorRejected, false),
        ("resize-imgproxy", 403, json!("Forbidden"), VendorDenied, false),
        ("resize-imgproxy", 422, json!("Invalid source image"), VendorRejected, false),
    ]
}

#[tokio::test]
async fn documented_errors_have_their_meaning() {
    for (name, status, body, code, retryable) in documented() {
        let said = !name.contains("imgproxy");
        let (got, may_help, message) = told(name, Scripted::json(status, body)).await;
        assert_eq!(
            (got, may_help),
            (code, retryable),
            "{name} {status}: {message}"
        );
        assert_eq!(message.contains("No"), said, "{name} {status}: {message}");
    }
}

#[tokio::test]
async fn a_limit_that_is_reported_is_waited_for() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let reset = (now.as_secs() + 100).to_string();
    let limited = Scripted::json(429, remove_bg("rate_limit_exceeded"))
        .with("x-ratelimit-remaining", "0")
        .with("x-ratelimit-reset", &reset);
    let stub = scripted(vec![limited]).await;
    match run(&stub.shipped("remove-background")).await.unwrap_err() {
        OperationError::Throttled { retry_after, .. } => {
            let wait = retry_after.unwrap();
            assert!(wait > Duration::from_secs(90), "{wait:?}");
            assert!(wait <= Duration::from_secs(100), "{wait:?}");
        }
        other => panic!("{other:?}"),
    }
}
