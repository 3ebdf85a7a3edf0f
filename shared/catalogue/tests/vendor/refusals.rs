//! What is refused before the vendor is sent anything.

use std::net::{Ipv4Addr, SocketAddr};

use assetmill_core::{FailureCode, OperationError};
use assetmill_fetch::{AllowList, GuardedClient};
use assetmill_images::{Bounds, Codecs};
use serde_json::json;

use crate::stub::{JPEG, PNG, Stub, operation_through, run, run_with, shipped_for};

fn permanent(error: &OperationError) -> FailureCode {
    match error {
        OperationError::Permanent(failure) if !failure.retryable => failure.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn content_that_the_vendor_does_not_take() {
    let stub = Stub::start(|_| PNG).await;
    let operation = stub.remove_bg();
    let html = b"<!DOCTYPE html><html></html>";
    let error = run_with(&operation, html, json!({})).await.unwrap_err();
    assert_eq!(permanent(&error), FailureCode::UnsupportedMediaType);
    assert_eq!(
        error.failure().message,
        "the content is text/html; remove-background takes image/jpeg, image/png"
    );
    assert!(stub.received().is_empty());
}

#[tokio::test]
async fn content_that_is_too_large_for_the_vendor() {
    let stub = Stub::start(|_| PNG).await;
    let operation = stub.vendor(
        r#"
        [operations.v.vendor]
        method = "POST"
        url = "BASE/do"
        encoding = "raw"
        asset = { as = "file", max_bytes = 10 }
        result = { kind = "body" }
        "#,
    );
    let error = run(&operation).await.unwrap_err();
    assert_eq!(permanent(&error), FailureCode::AssetTooLarge);
    assert_eq!(
        error.failure().message,
        format!("the asset has {} bytes; v takes at most 10", JPEG.len())
    );
    assert!(stub.received().is_empty());
}

#[tokio::test]
async fn a_call_without_its_key() {
    let stub = Stub::start(|_| PNG).await;
    let client = GuardedClient::new(AllowList::default().with(stub.address)).unwrap();
    let text = shipped_for(stub.address);
    let catalogue = assetmill_catalogue::load(
        &text,
        "test.toml",
        &client,
        &Codecs::in_process(Bounds::default()),
        &|_| None,
    )
    .unwrap();
    let operation = catalogue.get("remove-background").unwrap();
    let error = run(operation).await.unwrap_err();
    assert_eq!(permanent(&error), FailureCode::OperationUnavailable);
    assert_eq!(
        error.failure().message,
        "set the environment variable REMOVE_BG_API_KEY"
    );
    assert!(stub.received().is_empty());
}

#[tokio::test]
async fn a_vendor_at_an_address_that_is_not_public() {
    let stub = Stub::start(|_| PNG).await;
    let client = GuardedClient::new(AllowList::default()).unwrap();
    let port = stub.address.port();
    let text = shipped_for(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    for text in [&text, &text.replace("127.0.0.1", "localhost")] {
        let operation = operation_through(&client, "remove-background", text);
        let error = run(&operation).await.unwrap_err();
        assert_eq!(permanent(&error), FailureCode::OperationUnavailable);
        let message = &error.failure().message;
        assert!(message.contains("ASSETMILL_VENDOR_ALLOW"), "{message}");
    }
    assert!(stub.received().is_empty());
}

#[tokio::test]
async fn a_parameter_that_no_header_can_hold() {
    let stub = Stub::start(|_| PNG).await;
    let operation = stub.vendor(
        r#"
        params.name = { type = "string" }
        [operations.v.vendor]
        method = "POST"
        url = "BASE/do"
        headers = { X-Name = "{param:name}" }
        encoding = "raw"
        asset = { as = "file" }
        result = { kind = "body" }
        "#,
    );
    let params = json!({ "name": "x\r\nX-Api-Key: other" });
    let error = run_with(&operation, JPEG, params).await.unwrap_err();
    assert_eq!(permanent(&error), FailureCode::VendorRejected);
    assert!(error.failure().message.contains("x-name"));
    assert!(stub.received().is_empty());
}
