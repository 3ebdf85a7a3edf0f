//! Where results are, and what they may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use assetmill_core::{FailureCode, OperationError, Product};
use axum::Json;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};

use crate::stub::{KEY, PNG, Received, Stub, run};

/// A vendor whose result is so.
fn vendor(result: &str) -> String {
    format!(
        r#"
        [operations.v.vendor]
        method = "POST"
        url = "BASE/do"
        headers = {{ Authorization = "Bearer {{env:KEY}}" }}
        encoding = "raw"
        max_response_bytes = 1000
        asset = {{ as = "file" }}
        result = {{ {result} }}
        error = {{ message = "/error" }}
        "#
    )
}

async fn made<R: IntoResponse>(
    result: &str,
    answer: impl Fn() -> R + Clone + Send + Sync + 'static,
) -> Result<Product, OperationError> {
    let stub = Stub::start(move |_: &Received| answer()).await;
    run(&stub.vendor(&vendor(result))).await
}

fn invalid(message: &str) -> OperationError {
    OperationError::permanent(FailureCode::VendorResponseInvalid, message)
}

#[tokio::test]
async fn a_result_is_what_its_content_shows() {
    let lie = || ([("content-type", "text/plain")], PNG);
    let product = made("kind = \"body\"", lie).await.unwrap();
    assert_eq!(product.media_type.as_str(), "image/png");
    assert_eq!(product.content, PNG);
}

#[tokio::test]
async fn a_result_that_shows_nothing_is_what_it_is_declared_to_be() {
    for (declared, content, expected) in [
        ("image/x-new; q=1", "new", "image/x-new"),
        ("", "new", "application/octet-stream"),
        (
            "image/svg+xml",
            "<?xml version=\"1.0\"?><svg/>",
            "image/svg+xml",
        ),
    ] {
        let answer = move || ([("content-type", declared)], content.as_bytes());
        let product = made("kind = \"body\"", answer).await.unwrap();
        assert_eq!(product.media_type.as_str(), expected);
    }
}

#[tokio::test]
async fn a_success_that_is_none_is_refused() {
    let png = "kind = \"body\", produces = [\"image/png\", \"image/webp\"]";
    assert_eq!(
        made(png, || Json(json!({ "error": "no face" })))
            .await
            .unwrap_err(),
        invalid("the vendor's result is application/json, not image/png, image/webp: no face")
    );
    assert_eq!(
        made(png, || "<!DOCTYPE html><html>").await.unwrap_err(),
        invalid("the vendor's result is text/html, not image/png, image/webp")
    );
}

#[tokio::test]
async fn an_empty_result_is_refused() {
    for status in [StatusCode::OK, StatusCode::NO_CONTENT] {
        assert_eq!(
            made("kind = \"body\"", move || status).await.unwrap_err(),
            invalid("the vendor's result is empty")
        );
    }
    assert_eq!(
        made("kind = \"url\", at = \"/url\"", || "")
            .await
            .unwrap_err(),
        invalid("the vendor's answer is empty")
    );
}

#[tokio::test]
async fn a_result_above_the_limit_is_refused() {
    let whole = made("kind = \"body\"", || "x".repeat(1000)).await.unwrap();
    assert_eq!(whole.content.len(), 1000);
    assert_eq!(
        made("kind = \"body\"", || "x".repeat(1001))
            .await
            .unwrap_err(),
        invalid("the vendor's answer is larger than 1000 bytes")
    );
}

#[tokio::test]
async fn base64_is_taken_out_of_json() {
    for encoded in [
        STANDARD.encode(PNG),
        STANDARD_NO_PAD.encode(PNG),
        format!("data:image/png;base64,{}", STANDARD.encode(PNG)),
    ] {
        let answer = move || Json(json!({ "data": [{ "b64_json": encoded }] }));
        let at = "kind = \"base64\", at = \"/data/0/b64_json\"";
        let product = made(at, answer).await.unwrap();
        assert_eq!(product.content, PNG);
        assert_eq!(product.media_type.as_str(), "image/png");
    }
}

#[tokio::test]
async fn json_without_the_result_is_refused() {
    for (kind, answer, expected) in [
        ("base64", "not json", "the vendor's answer is not JSON"),
        ("base64", "{}", "the vendor's answer has no text at /at"),
        (
            "base64",
            "{\"at\": 3}",
            "the vendor's answer has no text at /at",
        ),
        (
            "base64",
            "{\"at\": \"***\"}",
            "the vendor's answer has no base64 at /at",
        ),
        ("base64", "{\"at\": \"\"}", "the vendor's result is empty"),
        ("url", "{}", "the vendor's answer has no text at /at"),
        (
            "url",
            "{\"at\": \"a b\"}",
            "the URL of the vendor's result is no URL",
        ),
        (
            "url",
            "{\"at\": \"file:///etc/passwd\"}",
            "the URL of the vendor's result is not http or https",
        ),
    ] {
        let result = format!("kind = \"{kind}\", at = \"/at\"");
        let error = made(&result, move || answer).await.unwrap_err();
        assert_eq!(error, invalid(expected), "{answer}");
    }
}

/// A vendor that answers with the URL of its result, and whatever `serve` answers there.
async fn url_vendor(
    serve: impl Fn(&Received) -> Response + Clone + Send + Sync + 'static,
) -> (Stub, Result<Product, OperationError>) {
    let stub = Stub::start(move |request: &Received| {
        if request.method == "POST" {
            let host = request.header("host").unwrap();
            let body: Value = json!({ "output": { "url": format!("http://{host}/out/0") } });
            Json(body).into_response()
        } else {
            serve(request)
        }
    })
    .await;
    let vendor = vendor("kind = \"url\", at = \"/output/url\"");
    let impatient = format!("{vendor}\njob_timeout_seconds = 1");
    let ended = run(&stub.vendor(&impatient)).await;
    (stub, ended)
}

fn calls(stub: &Stub) -> usize {
    let received = stub.received();
    received.iter().filter(|one| one.method == "POST").count()
}

#[tokio::test]
async fn a_result_elsewhere_is_fetched_without_the_key() {
    let (stub, product) = url_vendor(|_| PNG.into_response()).await;
    assert_eq!(product.unwrap().content, PNG);
    let requests = stub.received();
    assert_eq!(
        requests[0].header("authorization"),
        Some("Bearer sk-very/secret")
    );
    assert_eq!(requests[1].target, "/out/0");
    assert!(
        !format!("{:?}", requests[1]).contains(KEY),
        "{:?}",
        requests[1]
    );
}

fn redirects_before(result_at: u32) -> impl Fn(&Received) -> Response + Clone {
    move |request| {
        let hop: u32 = request.target.rsplit_once('/').unwrap().1.parse().unwrap();
        if hop == result_at {
            PNG.into_response()
        } else {
            Redirect::temporary(&format!("/out/{}", hop + 1)).into_response()
        }
    }
}

#[tokio::test]
async fn redirects_of_a_result_are_followed_five_times() {
    let (_, product) = url_vendor(redirects_before(5)).await;
    assert_eq!(product.unwrap().content, PNG);
    let (stub, refused) = url_vendor(redirects_before(6)).await;
    assert_eq!(
        refused.unwrap_err(),
        invalid("the vendor's result redirects more than 5 times")
    );
    assert_eq!(calls(&stub), 1);
}

#[tokio::test]
async fn a_result_is_not_fetched_from_an_address_that_is_not_public() {
    for place in ["http://127.0.0.2/", "http://[::1]/", "http://localhost:1/"] {
        let (_, refused) = url_vendor(move |_| Redirect::temporary(place).into_response()).await;
        match refused.unwrap_err() {
            OperationError::Permanent(failure) => {
                assert_eq!(failure.code, FailureCode::OperationUnavailable);
                assert!(failure.message.contains("ASSETMILL_VENDOR_ALLOW"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_result_that_is_late_is_fetched_again_and_not_paid_again() {
    let tries = Arc::new(AtomicU32::new(0));
    let (stub, product) = url_vendor(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => PNG.into_response(),
    })
    .await;
    assert_eq!(product.unwrap().content, PNG);
    assert_eq!(calls(&stub), 1);
}

#[tokio::test]
async fn a_result_that_stays_away_leaves_the_charge_open() {
    let (stub, ended) = url_vendor(|_| StatusCode::BAD_GATEWAY.into_response()).await;
    match ended.unwrap_err() {
        OperationError::Abandoned(failure) => {
            assert_eq!(failure.code, FailureCode::VendorTimeout);
            let expected =
                "the vendor's result can't be fetched: the URL of the vendor's result answers 502";
            assert!(failure.message.contains(expected), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(calls(&stub), 1);
}

#[tokio::test]
async fn a_result_that_is_not_there_or_too_large_is_refused() {
    let (_, gone) = url_vendor(|_| StatusCode::NOT_FOUND.into_response()).await;
    assert_eq!(
        gone.unwrap_err(),
        invalid("the URL of the vendor's result answers 404")
    );
    let (_, large) = url_vendor(|_| "x".repeat(1001).into_response()).await;
    assert_eq!(
        large.unwrap_err(),
        invalid("the vendor's result is larger than 1000 bytes")
    );
}
