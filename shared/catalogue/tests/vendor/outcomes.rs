//! What each way of a vendor to answer, or not to, comes to.

use std::time::Duration;

use assetmill_core::{Failure, FailureCode, OperationError};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::stub::{KEY, Received, Stub, operation, run, shipped_for, vendor_at};

fn answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

/// An error as remove.bg documents it: `errors[].{title, detail, code}`.
fn remove_bg_error(title: &str, code: &str) -> Value {
    json!({ "errors": [{ "title": title, "detail": "…", "code": code }] })
}

async fn error(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: Value,
) -> OperationError {
    let stub = Stub::start(move |_: &Received| answer(status, headers, &body)).await;
    let error = run(&stub.remove_bg()).await.unwrap_err();
    stub.only_request();
    error
}

#[tokio::test]
async fn refusals_are_final_and_say_why() {
    let title = "Could not identify foreground in image.";
    let body = remove_bg_error(title, "unknown_foreground");
    assert_eq!(
        error(400, &[], body).await,
        OperationError::permanent(
            FailureCode::VendorRejected,
            format!("the vendor answered 400: {title} (unknown_foreground)")
        )
    );
    for status in [404, 405, 409, 413, 415, 422] {
        assert_eq!(
            error(status, &[], json!({})).await,
            OperationError::permanent(
                FailureCode::VendorRejected,
                format!("the vendor answered {status}")
            )
        );
    }
}

#[tokio::test]
async fn a_denied_account_is_the_operators_to_mend() {
    for (status, title, code) in [
        (401, "Missing API Key", "auth_missing"),
        (402, "Insufficient credits", "insufficient_credits"),
        (403, "API Key invalid", "auth_failed"),
    ] {
        assert_eq!(
            error(status, &[], remove_bg_error(title, code)).await,
            OperationError::permanent(
                FailureCode::VendorDenied,
                format!(
                    "the vendor answered {status}: {title} ({code}); ask the operator to check the \
                     account behind REMOVE_BG_API_KEY"
                )
            )
        );
    }
}

#[tokio::test]
async fn throttling_waits_as_long_as_the_vendor_says() {
    let body = || remove_bg_error("Rate limit exceeded", "rate_limit_exceeded");
    let throttled = |status, seconds: Option<u64>| OperationError::Throttled {
        failure: Failure::transient(
            FailureCode::VendorThrottled,
            format!("the vendor answered {status}: Rate limit exceeded (rate_limit_exceeded)"),
        ),
        retry_after: seconds.map(Duration::from_secs),
    };
    let limited = &[("retry-after", "30"), ("x-ratelimit-remaining", "0")];
    assert_eq!(error(429, limited, body()).await, throttled(429, Some(30)));
    assert_eq!(error(429, &[], body()).await, throttled(429, None));
    assert_eq!(error(503, limited, body()).await, throttled(503, Some(30)));
}

#[tokio::test]
async fn a_date_to_come_back_at_that_is_past_is_no_wait() {
    let past = &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")];
    match error(429, past, json!({})).await {
        OperationError::Throttled { retry_after, .. } => {
            assert_eq!(retry_after, Some(Duration::ZERO));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_vendor_out_of_order_is_tried_again() {
    for status in [500, 503, 520] {
        assert_eq!(
            error(status, &[], json!("no object")).await,
            OperationError::transient(
                FailureCode::VendorUnavailable,
                format!("the vendor answered {status}")
            )
        );
    }
}

/// A vendor behind a gateway may have done the work all the same.
#[tokio::test]
async fn a_gateways_word_leaves_the_charge_unknown() {
    for status in [408, 502, 504] {
        let failure = Failure::transient(
            FailureCode::VendorUnavailable,
            format!("the vendor answered {status}{MAYBE_CHARGED}"),
        );
        assert_eq!(
            error(status, &[], json!("no object")).await,
            OperationError::Abandoned(failure)
        );
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let stub = Stub::start(|_: &Received| {
        Response::builder()
            .status(302)
            .header("location", "/elsewhere")
            .body(Body::empty())
            .unwrap()
    })
    .await;
    let error = run(&stub.remove_bg()).await.unwrap_err();
    assert_eq!(
        error,
        OperationError::permanent(
            FailureCode::VendorResponseInvalid,
            "the vendor answered 302; give the catalogue a URL that answers with the result"
        )
    );
    stub.only_request();
}

#[tokio::test]
async fn an_error_page_of_any_size_keeps_its_meaning() {
    let stub = Stub::start(|_: &Received| (http::StatusCode::BAD_GATEWAY, "x".repeat(1 << 20)));
    let error = run(&stub.await.remove_bg()).await.unwrap_err();
    assert_eq!(
        error,
        OperationError::Abandoned(Failure::transient(
            FailureCode::VendorUnavailable,
            format!("the vendor answered 502{MAYBE_CHARGED}")
        ))
    );
}

#[tokio::test]
async fn secrets_that_a_vendor_repeats_are_masked() {
    let title = format!("Key {KEY} is wrong\r\n, so is sk-very%2Fsecret");
    let error = error(403, &[], remove_bg_error(&title, KEY)).await;
    let message = &error.failure().message;
    assert!(
        message.contains("Key *** is wrong, so is *** (***)"),
        "{message}"
    );
    assert!(!format!("{error:?}").contains("sk-very"), "{error:?}");
}

#[tokio::test]
async fn a_long_message_is_cut() {
    let error = error(400, &[], remove_bg_error(&"é".repeat(5000), "x")).await;
    let message = &error.failure().message;
    assert_eq!(message.matches('é').count(), 200, "{message}");
}

/// What is said of a call that may have been charged, and is therefore not made again.
const MAYBE_CHARGED: &str =
    "; it may have been charged, so it is not sent again by itself (resend = \"always\" would)";

fn abandoned(error: OperationError) -> Failure {
    match error {
        OperationError::Abandoned(failure) if failure.retryable => failure,
        other => panic!("{other:?}"),
    }
}

const SLOW: &str = r#"
    [operations.v.vendor]
    method = "POST"
    url = "BASE/do"
    encoding = "raw"
    timeout_seconds = 1
    asset = { as = "file" }
    result = { kind = "body" }
"#;

#[tokio::test]
async fn a_vendor_that_never_answers_leaves_it_open_whether_it_charged() {
    // Connections to a listener that accepts none are made by the kernel, and wait.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operation = vendor_at(listener.local_addr().unwrap(), SLOW);
    let failure = abandoned(run(&operation).await.unwrap_err());
    assert_eq!(failure.code, FailureCode::VendorTimeout);
    assert_eq!(
        failure.message,
        format!("the vendor did not answer within 1 s{MAYBE_CHARGED}")
    );
}

#[tokio::test]
async fn who_would_rather_pay_twice_than_go_without_says_so() {
    for (resend, expected) in [("always", "Unconfirmed"), ("never", "Abandoned")] {
        let stub = Stub::start(|_: &Received| answer(502, &[], &json!({}))).await;
        let vendor = format!("{SLOW}    resend = \"{resend}\"\n");
        let error = run(&stub.vendor(&vendor)).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_never_sent_again_is_not_after_a_refusal_either() {
    for status in [429, 500, 503] {
        let stub = Stub::start(move |_: &Received| answer(status, &[], &json!({}))).await;
        let vendor = format!("{SLOW}    resend = \"never\"\n");
        match run(&stub.vendor(&vendor)).await.unwrap_err() {
            OperationError::Permanent(failure) => assert!(failure.retryable),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_vendor_that_never_ends_its_answer_is_not_waited_for() {
    let stub = Stub::start(|_: &Received| {
        let beginning = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"\x89PNG"))]);
        Body::from_stream(beginning.chain(stream::pending())).into_response()
    })
    .await;
    let failure = abandoned(run(&stub.vendor(SLOW)).await.unwrap_err());
    assert_eq!(failure.code, FailureCode::VendorTimeout);
}

#[tokio::test]
async fn an_answer_that_breaks_off_leaves_it_open_whether_it_charged() {
    let stub = Stub::start(|_: &Received| {
        let chunks = [
            Ok(Bytes::from_static(b"\x89PNG\r\n\x1a\n")),
            Err(std::io::Error::other("broken")),
        ];
        Body::from_stream(stream::iter(chunks)).into_response()
    })
    .await;
    let failure = abandoned(run(&stub.remove_bg()).await.unwrap_err());
    assert_eq!(failure.code, FailureCode::VendorUnavailable);
    assert!(failure.message.starts_with("the vendor broke off: "));
}

#[tokio::test]
async fn a_vendor_that_hangs_up_leaves_it_open_whether_it_charged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = [0; 64];
            socket.read_exact(&mut head).await.unwrap();
        }
    });
    let operation = operation("remove-background", &shipped_for(address), address);
    let failure = abandoned(run(&operation).await.unwrap_err());
    assert_eq!(failure.code, FailureCode::VendorUnavailable);
}

#[tokio::test]
async fn a_vendor_that_is_not_there_was_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let operation = operation("remove-background", &shipped_for(address), address);
    match run(&operation).await.unwrap_err() {
        OperationError::Transient(failure) => {
            assert_eq!(failure.code, FailureCode::VendorUnavailable);
            assert!(failure.retryable);
            assert!(
                failure.message.starts_with("the vendor can't be reached: "),
                "{}",
                failure.message
            );
        }
        other => panic!("{other:?}"),
    }
}
