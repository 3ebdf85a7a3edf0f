//! Assets that are announced to `POST /api/v2/assets`.

use assetmill_core::Sha256Digest;
use serde_json::{Value, json};

use super::v2_assets::{PATH, PNG, sent};
use super::world::{ACME, GLOBEX, World};

fn announcement(content: &[u8], media_type: &str) -> Value {
    let sha256 = Sha256Digest::of(content).to_string();
    json!({ "sha256": sha256, "bytes": content.len(), "media_type": media_type })
}

#[tokio::test]
async fn what_is_announced_has_the_url_that_it_has_when_it_is_sent() {
    let world = World::new();
    let body = announcement(PNG, "Image/PNG");
    let answer = world.post(PATH, body.to_string()).await;
    assert_eq!(answer.status, 200);
    let announced = answer.json();
    let upload = &announced["upload"];
    assert_eq!(upload["method"], "PUT");
    assert_eq!(upload["headers"]["x-sha256"], body["sha256"]);
    assert!(
        upload["url"].is_string() && upload["expires_at"].is_string(),
        "{upload}"
    );
    let octets = ("content-type", "application/octet-stream");
    let kept = sent(&world, PATH, &[octets], PNG).await.json();
    let again = world.post(PATH, body.to_string()).await.json();
    for field in ["digital_asset_url", "bytes", "media_type", "sha256"] {
        assert_eq!(announced[field], kept[field], "{field}");
        assert_eq!(again[field], kept[field], "{field}");
    }
    // It is there.
    assert_eq!(again["upload"], Value::Null);
    // What is there has not so many bytes.
    let mut wrong = body;
    wrong["bytes"] = json!(17);
    assert!(world.post(PATH, wrong.to_string()).await.json()["upload"].is_object());
}

#[tokio::test]
async fn what_somebody_else_sent_is_not_there() {
    let world = World::with_keys();
    let body = announcement(PNG, "image/png").to_string();
    let png = [("content-type", "image/png"), ("x-api-key", ACME)];
    assert_eq!(sent(&world, PATH, &png, PNG).await.status, 201);
    let own = world.post_as(ACME, PATH, body.clone()).await.json();
    let other = world.post_as(GLOBEX, PATH, body).await.json();
    assert_eq!(own["upload"], Value::Null);
    let url = other["upload"]["url"].as_str().unwrap();
    assert!(url.contains("/globex/"), "{url}");
}

#[tokio::test]
async fn types_name_an_upload_where_they_have_an_ending() {
    let world = World::new();
    for (declared, ending) in [
        (json!("image/webp"), "webp"),
        (json!("text/html"), "bin"),
        (json!("image/svg+xml"), "bin"),
        (Value::Null, "bin"),
    ] {
        let mut body = announcement(PNG, "");
        body["media_type"] = declared;
        let announced = world.post(PATH, body.to_string()).await.json();
        let url = announced["digital_asset_url"].as_str().unwrap();
        assert_eq!(url.rsplit_once('.').unwrap().1, ending);
    }
}

#[tokio::test]
async fn what_can_not_be_announced_is_refused() {
    let world = World::new();
    let with = |field: &str, value: Value| {
        let mut body = announcement(PNG, "image/png");
        body[field] = value;
        body
    };
    for (body, code, pointer) in [
        (with("sha256", json!("00")), "invalid_body", "/sha256"),
        (
            with("sha256", json!("G".repeat(64))),
            "invalid_body",
            "/sha256",
        ),
        (with("bytes", json!(0)), "invalid_body", "/bytes"),
        (with("bytes", json!(-1)), "invalid_body", "/bytes"),
        (with("bytes", json!(2_000_001)), "asset_too_large", "/bytes"),
        (
            with("media_type", json!("picture")),
            "invalid_body",
            "/media_type",
        ),
        (
            with("media_type", json!("image/png; q=1")),
            "invalid_body",
            "/media_type",
        ),
        (
            with("url", json!("https://a.example/")),
            "invalid_body",
            "/url",
        ),
        (json!({ "bytes": 1 }), "invalid_body", "/sha256"),
    ] {
        let problem = world.post(PATH, body.to_string()).await.problem();
        assert_eq!(
            problem,
            (422, code.to_owned(), Some(pointer.to_owned())),
            "{body}"
        );
    }
    // More than a body may have.
    let large = with("bytes", json!(2_000_000)).to_string();
    assert_eq!(world.post(PATH, large).await.status, 200);
}
