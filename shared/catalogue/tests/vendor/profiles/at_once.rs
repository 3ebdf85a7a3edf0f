//! Vendors that answer with the result, or with where it is.

use assetmill_core::OperationError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Scripted, scripted};
use crate::stub::{JPEG, KEY, PNG, run, run_with};

#[tokio::test]
async fn photoroom() {
    let stub = scripted(vec![Scripted::bytes(200, PNG)]).await;
    let operation = stub.shipped("remove-background-photoroom");
    let params = json!({ "crop": true });
    assert_eq!(
        run_with(&operation, JPEG, params).await.unwrap().content,
        PNG
    );
    let request = stub.only_request();
    assert_eq!(request.target, "/v1/segment");
    assert_eq!(request.header("x-api-key"), Some(KEY));
    let parts = request.parts().await;
    let part = |name: &str| parts.iter().find(|part| part.name == name).unwrap();
    assert_eq!(part("image_file").content, JPEG);
    assert_eq!(part("crop").content, b"true");
}

#[tokio::test]
async fn clipdrop() {
    let answer = Scripted::bytes(200, PNG)
        .with("x-credits-consumed", "1")
        .with("x-remaining-credits", "99");
    let stub = scripted(vec![answer]).await;
    let operation = stub.shipped("remove-background-clipdrop");
    let (product, lines) = assetmill_vendors::transcript::watch(run(&operation)).await;
    assert_eq!(product.unwrap().content, PNG);
    let request = stub.only_request();
    assert_eq!(request.target, "/remove-background/v1");
    assert_eq!(request.header("x-api-key"), Some(KEY));
    assert_eq!(request.header("accept"), Some("image/png"));
    for expected in [
        "= cost: 1",
        "= remaining: 99",
        "> x-api-key: ***",
        "< 200 OK",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}: {lines:#?}"
        );
    }
    assert!(!format!("{lines:?}").contains(KEY));
}

#[tokio::test]
async fn stability_fast() {
    let stub = scripted(vec![Scripted::bytes(200, PNG)]).await;
    let operation = stub.shipped("upscale-stability");
    assert_eq!(run(&operation).await.unwrap().content, PNG);
    let request = stub.only_request();
    assert_eq!(request.target, "/v2beta/stable-image/upscale/fast");
    let bearer = format!("Bearer {KEY}");
    assert_eq!(request.header("authorization"), Some(bearer.as_str()));
    assert_eq!(request.header("accept"), Some("image/*"));
}

#[tokio::test]
async fn openai() {
    let answer = json!({
        "created": 1_713_833_628,
        "data": [{ "b64_json": STANDARD.encode(PNG) }],
        "usage": { "total_tokens": 100, "input_tokens": 50, "output_tokens": 50 },
    });
    let stub = scripted(vec![Scripted::json(200, answer)]).await;
    let operation = stub.shipped("edit-openai");
    assert_eq!(run(&operation).await.unwrap().content, PNG);
    let request = stub.only_request();
    assert_eq!(request.target, "/v1/images/edits");
    let parts = request.parts().await;
    let mut names: Vec<_> = parts.iter().map(|part| part.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["image", "model", "prompt", "size"]);
}

#[tokio::test]
async fn kraken() {
    let answer = json!({
        "success": true,
        "file_name": "a.jpg",
        "original_size": 324_520,
        "kraked_size": 165_358,
        "saved_bytes": 159_162,
        "kraked_url": "BASE/result.jpg",
    });
    let stub = scripted(vec![
        Scripted::json(200, answer),
        Scripted::bytes(200, JPEG),
    ])
    .await;
    let operation = stub.shipped("compress-kraken");
    assert_eq!(run(&operation).await.unwrap().content, JPEG);
    let received = stub.received();
    assert_eq!(received[0].target, "/v1/url");
    let body = received[0].json();
    assert_eq!(body["auth"], json!({ "api_key": KEY, "api_secret": KEY }));
    assert_eq!(body["wait"], json!(true));
    assert_eq!(body["lossy"], json!(true));
    // Where the result is, is nobody's to have the key.
    assert!(!format!("{:?}", received[1]).contains(KEY));
}

/// The signature of the whole path is that of the published examples; here it is where it should be.
#[tokio::test]
async fn imgproxy() {
    let stub = scripted(vec![Scripted::bytes(200, PNG)]).await;
    let operation = stub.shipped("resize-imgproxy");
    let params = json!({ "width": 300, "height": 400, "format": "png" });
    assert_eq!(
        run_with(&operation, JPEG, params).await.unwrap().content,
        PNG
    );
    let target = stub.only_request().target;
    let (signature, path) = target[1..].split_once('/').unwrap();
    assert_eq!(signature.len(), 43);
    let source = "aHR0cHM6Ly9zb3VyY2UudGVzdC9hJTIwYi5qcGc_dj0xJnc9Mg";
    assert_eq!(path, format!("rs:fit:300:400/{source}.png"));
}

const PICTURE: &[u8] = include_bytes!("../../../../images/tests/fixtures/upright.png");

/// remove.bg, then a size and a format of ours.
#[tokio::test]
async fn a_chain_of_a_vendor_and_a_transform() {
    let stub = scripted(vec![Scripted::bytes(200, PICTURE)]).await;
    let product = run(&stub.shipped("product-shot")).await.unwrap();
    assert_eq!(product.media_type.as_str(), "image/webp");
    stub.only_request();
}

/// What the vendor was paid for is of no use to the transform; running it again would pay again.
#[tokio::test]
async fn what_fails_after_a_vendor_was_paid_is_not_paid_for_again() {
    let stub = scripted(vec![Scripted::bytes(200, PNG)]).await;
    match run(&stub.shipped("product-shot")).await.unwrap_err() {
        OperationError::Permanent(failure) | OperationError::Abandoned(failure) => {
            assert!(failure.message.starts_with("resize: "), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    stub.only_request();
}
