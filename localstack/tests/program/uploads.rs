//! Assets that nobody hosts.

use assetmill_core::{FlowId, Sha256Digest};
use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::assets::{jpeg, noisy};
use crate::support::{Program, client, picture};

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

/// A picture that was never sent before, wherever it is sent to: nothing reads what follows its end.
fn unsent(picture: Vec<u8>) -> Vec<u8> {
    [picture, FlowId::generate().to_string().into_bytes()].concat()
}

/// Says what is about to be sent; the answer.
async fn announce(program: &Program, content: &[u8]) -> Value {
    let sha256 = Sha256Digest::of(content).to_string();
    let body = json!({ "sha256": sha256, "bytes": content.len(), "media_type": "image/png" });
    let (status, announced) = program.post_json("/api/v2/assets", &body).await;
    assert_eq!(status, StatusCode::OK, "{announced}");
    announced
}

/// Sends bytes as an answer says, without a key; its status.
async fn send(upload: &Value, content: &[u8]) -> StatusCode {
    let method: Method = upload["method"].as_str().unwrap().parse().unwrap();
    let mut request = client().request(method, upload["url"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    let answer = request.body(content.to_vec()).send().await.unwrap();
    answer.status()
}

/// More than a Lambda takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_asset_is_announced_and_sent_once() {
    let program = Program::start(&[]).await;
    let photo = unsent(noisy());
    assert!(photo.len() > 6_000_000, "{}", photo.len());
    let announced = announce(&program, &photo).await;
    assert!(announced["upload"]["expires_at"].is_string(), "{announced}");
    assert_eq!(send(&announced["upload"], &photo).await, StatusCode::OK);
    let again = announce(&program, &photo).await;
    assert_eq!(again["upload"], Value::Null);
    assert_eq!(again["digital_asset_url"], announced["digital_asset_url"]);
    let body = json!({
        "digital_asset_urls": [announced["digital_asset_url"]],
        "params": { "width": 40, "height": 40, "format": "jpeg" },
    });
    let started = program.start_batch(&body).await;
    let results = program.settled(&started).await;
    let made = &results["flows"][0];
    assert_eq!(made["state"], "COMPLETED", "{made}");
    let content = program.fetch(made["result"]["url"].as_str().unwrap()).await;
    let (format, width, _) = picture(&content.bytes().await.unwrap());
    assert_eq!((format, width), (ImageFormat::Jpeg, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_but_what_was_announced() {
    let program = Program::start(&[]).await;
    let whole = unsent(jpeg(1));
    let mut content = whole.clone();
    let announced = announce(&program, &content).await;
    let upload = &announced["upload"];
    let mut longer = content.clone();
    longer.push(0);
    content[7] ^= 1;
    let mut elsewhere = upload.clone();
    let url = upload["url"].as_str().unwrap();
    elsewhere["url"] = url.replace(".png", ".jpg").into();
    let mut forged = upload.clone();
    let (before, signature) = url.split_once("ignature=").unwrap();
    let other = if signature.starts_with('0') { '1' } else { '0' };
    forged["url"] = format!("{before}ignature={other}{}", &signature[1..]).into();
    for (upload, sent, why) in [
        (upload, &content, "other bytes"),
        (upload, &longer, "more bytes"),
        (upload, &content[1..].to_vec(), "fewer bytes"),
        (&elsewhere, &whole, "elsewhere"),
        (&forged, &whole, "forged"),
    ] {
        let refused = send(upload, sent).await;
        assert!(refused.is_client_error(), "{why}: {refused}");
    }
    let body = json!({ "digital_asset_urls": [announced["digital_asset_url"]] });
    let results = program.settled(&program.start_batch(&body).await).await;
    let error = &results["flows"][0]["error"];
    assert_eq!(error["code"], "source_not_found", "{error}");
    let says = error["message"].as_str().unwrap();
    assert!(says.contains("never sent or not in time"), "{says}");
    assert_eq!(send(upload, &whole).await, StatusCode::OK);
    let results = program.settled(&program.start_batch(&body).await).await;
    assert_eq!(results["flows"][0]["state"], "COMPLETED", "{results}");
}
