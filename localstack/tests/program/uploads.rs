//! Assets that nobody hosts.

use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::assets::jpeg;
use crate::support::{Program, picture};

/// What is answered to an upload.
pub(crate) async fn upload(program: &Program, content: Vec<u8>) -> Value {
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

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_taken_as_curl_and_browsers_send_them() {
    let program = Program::start(&[]).await;
    let file = |number| Part::bytes(jpeg(number)).file_name("photo.jpg");
    let files = Form::new().part("file", file(1)).part("file", file(2));
    let request = program.request(Method::POST, "/api/v2/assets");
    let answer = request.multipart(files).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let answer: Value = answer.json().await.unwrap();
    for (number, asset) in (1..).zip(answer["assets"].as_array().unwrap()) {
        let alone = upload(&program, jpeg(number)).await;
        assert_eq!(asset["digital_asset_url"], alone["digital_asset_url"]);
    }
    let asked = Form::new()
        .part("file", file(1))
        .text("operation", "thumbnail");
    let asked = asked.text("params", r#"{"width": 32, "height": 32, "format": "png"}"#);
    let request = program.request(Method::POST, "/api/v1/transform");
    let answer = request.multipart(asked).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let (format, width, _) = picture(&answer.bytes().await.unwrap());
    assert_eq!((format, width), (ImageFormat::Png, 32));
}
