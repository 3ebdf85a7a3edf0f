//! Assets that nobody hosts.

use std::io::Write as _;

use axum::routing::post;
use axum::{Json, Router};
use image::ImageFormat;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::assets::jpeg;
use crate::support::{Program, picture};

async fn upload(program: &Program, content: Vec<u8>) -> Value {
    let request = program.request(Method::POST, "/api/v2/assets");
    let request = request.header("content-type", "image/jpeg").body(content);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_uploaded_is_processed_as_what_is_hosted() {
    let program = Program::start(&[]).await;
    let uploaded = upload(&program, jpeg(1)).await;
    let again = upload(&program, jpeg(1)).await;
    assert_eq!(uploaded["digital_asset_url"], again["digital_asset_url"]);
    let url = &uploaded["digital_asset_url"];
    let body = json!({
        "digital_asset_urls": [url, url.as_str().unwrap().replace("asset:", "asset:0")],
        "params": { "width": 40, "height": 40 },
    });
    let started = program.start_batch(&body).await;
    let results = program.settled(&started).await;
    let [made, wrong] = results["flows"].as_array().unwrap().as_slice() else {
        panic!("{results}");
    };
    assert_eq!(made["state"], "COMPLETED", "{made}");
    assert_eq!(&made["digital_asset_url"], url);
    let content = program.fetch(made["result"]["url"].as_str().unwrap()).await;
    let (format, width, _) = picture(&content.bytes().await.unwrap());
    assert_eq!((format, width), (ImageFormat::Jpeg, 40));
    assert_eq!(wrong["error"]["code"], "source_not_found", "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_takes_the_bytes_of_an_asset() {
    let program = Program::start(&[]).await;
    let path = "/api/v1/transform?operation=thumbnail&width=32&height=32&format=png";
    // What `curl --data-binary` declares.
    let request = program.request(Method::POST, path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(jpeg(1)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let (format, width, _) = picture(&answer.bytes().await.unwrap());
    assert_eq!((format, width), (ImageFormat::Png, 32));
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

/// A vendor that wants a URL is told one that it can fetch the upload from.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_is_told_a_url_of_an_upload() {
    let vendor = Router::new().route(
        "/copy",
        post(async |Json(asked): Json<Value>| {
            let url = asked["image"].as_str().unwrap().to_owned();
            reqwest::get(url).await.unwrap().bytes().await.unwrap()
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, vendor).await.unwrap() });
    let mut catalogue = NamedTempFile::with_suffix(".toml").unwrap();
    write!(
        catalogue,
        "default = \"copy\"\n[operations.copy]\nsummary = \"Copies\"\n[operations.copy.vendor]\nmethod = \"POST\"
         url = \"http://{address}/copy\"\nencoding = \"json\"\nasset = {{ as = \"url\", field = \"image\" }}
         result = {{ kind = \"body\" }}\n"
    )
    .unwrap();
    let path = catalogue.path().display().to_string();
    let options = [
        "--operations",
        &path,
        "--vendor-allow",
        &address.to_string(),
    ];
    let program = Program::start(&options).await;
    let uploaded = upload(&program, jpeg(3)).await;
    let body = json!({ "digital_asset_url": uploaded["digital_asset_url"] });
    let answer = program.post("/api/v1/transform", &body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.bytes().await.unwrap(), jpeg(3));
}
