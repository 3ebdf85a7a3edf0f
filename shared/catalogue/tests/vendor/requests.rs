//! What the vendor is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use url::form_urlencoded;

use crate::stub::{JPEG, KEY, PNG, Part, Received, SOURCE, Stub, run_with};

async fn sent(vendor: &str, params: serde_json::Value) -> Received {
    let stub = Stub::start(|_| PNG).await;
    run_with(&stub.vendor(vendor), JPEG, params).await.unwrap();
    stub.only_request()
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn text(name: &str, value: &str) -> Part {
    Part {
        name: name.to_owned(),
        file_name: None,
        content_type: None,
        content: value.as_bytes().to_vec(),
    }
}

/// The request of remove.bg's own clients: `client/client.go` of github.com/remove-bg/go.
#[tokio::test]
async fn remove_bg_is_called_as_it_documents() {
    let stub = Stub::start(|_| PNG).await;
    let params = json!({ "size": "preview" });
    let product = run_with(&stub.remove_bg(), JPEG, params).await.unwrap();
    assert_eq!(product.content, PNG);
    assert_eq!(product.media_type.as_str(), "image/png");

    let request = stub.only_request();
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/v1.0/removebg");
    assert_eq!(request.header("X-Api-Key"), Some(KEY));
    let mut parts = request.parts().await;
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(
        parts,
        [
            text("format", "png"),
            Part {
                name: "image_file".to_owned(),
                file_name: Some("asset.jpg".to_owned()),
                content_type: Some("image/jpeg".to_owned()),
                content: JPEG.to_vec(),
            },
            text("size", "preview"),
        ]
    );
}

#[tokio::test]
async fn a_file_is_named_after_its_content() {
    let stub = Stub::start(|_| PNG).await;
    run_with(&stub.remove_bg(), PNG, json!({})).await.unwrap();
    let parts = stub.only_request().parts().await;
    let file = parts.iter().find(|part| part.name == "image_file").unwrap();
    assert_eq!(file.file_name.as_deref(), Some("asset.png"));
    assert_eq!(file.content_type.as_deref(), Some("image/png"));
}

#[tokio::test]
async fn json_has_paths_and_types() {
    let vendor = r#"
        params.scale = { type = "integer", min = 1, max = 4, default = 2 }
        params.share = { type = "number", min = 0, max = 1 }
        params.name = { type = "string" }
        [operations.v.vendor]
        method = "PUT"
        url = "BASE/do"
        headers = { Authorization = "Key {env:KEY}", X-Name = "{param:name}" }
        encoding = "json"
        asset = { as = "url", field = "input.image" }
        result = { kind = "body" }
        [operations.v.vendor.fields]
        input.scale = "{param:scale}"
        "input.share" = "{param:share}"
        "input.name" = "{param:name}"
        input.note = "x{param:scale} {{}}"
        sync = true
        key = "{env:KEY}"
        strength = 0.5
    "#;
    let request = sent(vendor, json!({ "share": 0.25 })).await;
    assert_eq!(request.method, "PUT");
    assert_eq!(request.header("authorization"), Some("Key sk-very/secret"));
    assert_eq!(request.header("x-name"), None);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(
        request.json(),
        json!({
            "input": { "image": SOURCE, "scale": 2, "share": 0.25, "note": "x2 {}" },
            "sync": true,
            "key": KEY,
            "strength": 0.5,
        })
    );
    let request = sent(vendor, json!({ "name": "né" })).await;
    assert_eq!(request.json()["input"]["name"], "né");
    assert_eq!(request.headers["x-name"].as_bytes(), "né".as_bytes());
}

#[tokio::test]
async fn json_carries_base64() {
    let vendor = r#"
        [operations.v.vendor]
        method = "POST"
        url = "BASE/do"
        encoding = "json"
        asset = { as = "base64", field = "image" }
        result = { kind = "body" }
    "#;
    let request = sent(vendor, json!({})).await;
    assert_eq!(request.json(), json!({ "image": STANDARD.encode(JPEG) }));
}

#[tokio::test]
async fn forms_carry_base64() {
    let vendor = r#"
        params.size = { type = "string", default = "a&b" }
        [operations.v.vendor]
        method = "POST"
        url = "BASE/do"
        encoding = "form"
        fields = { size = "{param:size}", quality = 80 }
        asset = { as = "base64", field = "image" }
        result = { kind = "body" }
    "#;
    let request = sent(vendor, json!({})).await;
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let mut sent = pairs(&request.body);
    sent.sort();
    assert_eq!(
        sent,
        [
            pair("image", &STANDARD.encode(JPEG)),
            pair("quality", "80"),
            pair("size", "a&b"),
        ]
    );
}

#[tokio::test]
async fn queries_carry_the_url() {
    let vendor = r#"
        params.size = { type = "string" }
        [operations.v.vendor]
        method = "GET"
        url = "BASE/do?fixed=1"
        encoding = "query"
        fields = { key = "{env:KEY}", size = "{param:size}" }
        asset = { as = "url", field = "image" }
        result = { kind = "body" }
    "#;
    let request = sent(vendor, json!({})).await;
    assert_eq!(request.method, "GET");
    assert_eq!(request.body, "");
    let (path, query) = request.target.split_once('?').unwrap();
    assert_eq!(path, "/do");
    assert_eq!(
        pairs(query.as_bytes()),
        [pair("fixed", "1"), pair("key", KEY), pair("image", SOURCE)]
    );
}

#[tokio::test]
async fn multipart_carries_base64_and_urls_as_texts() {
    for (shape, expected) in [
        ("base64", STANDARD.encode(JPEG)),
        ("url", SOURCE.to_owned()),
    ] {
        let vendor = r#"
            [operations.v.vendor]
            method = "POST"
            url = "BASE/do"
            encoding = "multipart"
            asset = { as = "SHAPE", field = "image" }
            result = { kind = "body" }
        "#;
        let request = sent(&vendor.replace("SHAPE", shape), json!({})).await;
        assert_eq!(request.parts().await, [text("image", &expected)]);
    }
}

#[tokio::test]
async fn a_raw_body_is_the_asset() {
    let vendor = r#"
        [operations.v.vendor]
        method = "POST"
        url = "BASE/shrink"
        HEADERS
        encoding = "raw"
        asset = { as = "file" }
        result = { kind = "body" }
    "#;
    let request = sent(&vendor.replace("HEADERS", ""), json!({})).await;
    assert_eq!(request.body, JPEG);
    assert_eq!(request.header("content-type"), Some("image/jpeg"));

    let own = "headers = { Content-Type = \"application/x-asset\" }";
    let request = sent(&vendor.replace("HEADERS", own), json!({})).await;
    assert_eq!(request.header("content-type"), Some("application/x-asset"));
    assert_eq!(request.headers.get_all("content-type").iter().count(), 1);
}

#[tokio::test]
async fn the_asset_may_be_in_the_url_alone() {
    let vendor = r#"
        params.width = { type = "integer", min = 1, max = 9, default = 7 }
        [operations.v.vendor]
        method = "GET"
        url = "BASE/{env:KEY}/fit:{param:width}/{asset:url}"
        encoding = "none"
        asset = { as = "url" }
        result = { kind = "body" }
    "#;
    let request = sent(vendor, json!({})).await;
    assert_eq!(
        request.target,
        "/sk-very%2Fsecret/fit:7/https%3A%2F%2Fsource.test%2Fa%2520b.jpg%3Fv%3D1%26w%3D2"
    );
    assert_eq!(request.body, "");
}
