//! `POST /api/v2/assets`, and bytes in the place of a URL.

use axum::body::Body;
use http::Request;
use serde_json::json;

use super::support::Answer;
use super::world::{ACME, World};

pub(super) const PATH: &str = "/api/v2/assets";
pub(super) const ONE: &str = "/api/v1/transform";
pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

pub(super) async fn sent(
    world: &World,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world
        .ask(request.body(Body::from(body.to_vec())).unwrap())
        .await
}

#[tokio::test]
async fn bytes_are_kept_under_a_url_that_their_content_determines() {
    let world = World::new();
    let mut urls = Vec::new();
    for declared in ["image/jpeg", "application/octet-stream", "image/png"] {
        let answer = sent(&world, PATH, &[("content-type", declared)], PNG).await;
        assert_eq!(answer.status, 201);
        let body = answer.json();
        assert_eq!(
            (&body["bytes"], &body["media_type"]),
            (&json!(16), &json!("image/png"))
        );
        assert!(body["expires_at"].is_string());
        urls.push(body["digital_asset_url"].clone());
    }
    assert_eq!(urls[0], urls[2]);
    assert_eq!(urls[0], urls[1]);
    let url = urls[0].as_str().unwrap();
    let (name, ending) = url.split_once('.').unwrap();
    assert_eq!((&name[..6], ending), ("asset:", "png"));
    let list = json!({ "digital_asset_urls": [url] }).to_string();
    assert_eq!(world.post("/api/v2/transforms", list).await.status, 202);
}

#[tokio::test]
async fn what_is_no_upload_is_refused() {
    let world = World::new();
    let too_large = vec![0; 1_000_001];
    let octets = ("content-type", "application/octet-stream");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (headers, body, status, code) in [
        (&[octets][..], &b""[..], 422, "asset_empty"),
        (&[octets], &too_large, 413, "body_too_large"),
        (&[form], b"a=b", 415, "unsupported_content_type"),
        (&[], b"a=b", 415, "unsupported_content_type"),
        (
            &[octets, ("content-encoding", "gzip")],
            PNG,
            415,
            "unsupported_content_type",
        ),
        // A page of another site asks nobody before it sends these.
        (
            &[form, ("origin", "https://evil.example")],
            PNG,
            415,
            "unsupported_content_type",
        ),
        (
            &[("origin", "https://evil.example")],
            PNG,
            415,
            "unsupported_content_type",
        ),
        (
            &[("content-type", "text/plain;x"), ("origin", "null")],
            PNG,
            415,
            "unsupported_content_type",
        ),
    ] {
        let answer = sent(&world, PATH, headers, body).await;
        assert_eq!(
            answer.problem(),
            (status, code.to_owned(), None),
            "{headers:?}"
        );
    }
    // What curl declares by itself, of what shows what it is.
    assert_eq!(sent(&world, PATH, &[form], PNG).await.status, 201);
}

#[tokio::test]
async fn a_tenant_may_upload_as_much_as_its_assets_may_have() {
    let mut world = World::with_keys();
    world.state.uploads.max_bytes = 20;
    let key = ("x-api-key", ACME);
    let octets = ("content-type", "application/octet-stream");
    let fits = sent(&world, PATH, &[key, octets], &[7; 20]).await;
    assert_eq!(fits.status, 201);
    let larger = sent(&world, PATH, &[key, octets], &[7; 21]).await;
    assert_eq!(larger.problem().1, "body_too_large");
    assert_eq!(sent(&world, PATH, &[octets], PNG).await.problem().0, 401);
}

#[tokio::test]
async fn v1_takes_the_bytes_of_an_asset() {
    let world = World::new();
    for declared in [
        "image/png",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
    ] {
        let answer = sent(&world, ONE, &[("content-type", declared)], PNG).await;
        assert_eq!(answer.status, 200, "{declared}");
    }
    let png = [("content-type", "image/png")];
    let twice = sent(&world, &format!("{ONE}?operation=copy&times=2"), &png, PNG).await;
    let once = sent(&world, &format!("{ONE}?operation=copy"), &png, PNG).await;
    assert_eq!(twice.bytes.len(), 2 * once.bytes.len());
    for (query, code, pointer) in [
        ("operation=nonsense", "unknown_operation", "/operation"),
        ("times=many", "invalid_params", "/params/times"),
        ("colour=red", "invalid_params", "/params/colour"),
    ] {
        let answer = sent(&world, &format!("{ONE}?{query}"), &png, PNG).await;
        assert_eq!(
            answer.problem(),
            (422, code.to_owned(), Some(pointer.to_owned()))
        );
    }
}
