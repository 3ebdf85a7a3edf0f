//! `POST /api/v1/transform`.

use image::ImageFormat;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::assets::Assets;
use crate::support::{Program, picture};

#[tokio::test(flavor = "multi_thread")]
async fn one_asset_is_answered_with_its_bytes() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    for (format, expected) in [
        ("jpeg", ImageFormat::Jpeg),
        ("png", ImageFormat::Png),
        ("webp", ImageFormat::WebP),
    ] {
        let params = json!({ "width": 100, "height": 100, "format": format });
        let body = json!({
            "digital_asset_url": assets.url("/photo/1"),
            "operation": "thumbnail",
            "params": params,
        });
        let answer = program.post("/api/v1/transform", &body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let media_type = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(media_type, expected.to_mime_type());
        assert!(!answer.headers().contains_key("assetmill-flow-id"));
        let content = answer.bytes().await.unwrap();
        assert_eq!(picture(&content), (expected, 100, 75));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_example_works_without_any_url_of_ones_own() {
    let program = Program::start(&[]).await;
    let sample = program.url("/samples/coffee.jpg");
    let shown = program.fetch(&sample).await;
    assert_eq!(shown.headers()["content-type"], "image/jpeg");
    // However the machine is called.
    let sample = sample.replace("127.0.0.1", "localhost");
    let body = json!({ "digital_asset_url": sample, "params": { "format": "webp" } });
    let answer = program.post("/api/v1/transform", &body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let (format, width, height) = picture(&answer.bytes().await.unwrap());
    assert_eq!(format, ImageFormat::WebP);
    assert!(width.max(height) <= 512, "{width}x{height}");
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "looks into the folder")]
async fn the_same_work_is_not_done_twice() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let body = json!({ "digital_asset_urls": [assets.url("/photo/1")] });
    let mut digests = Vec::new();
    for _ in 0..2 {
        let (_, results) = program.post_json("/api/v1/transforms", &body).await;
        digests.push(results["flows"][0]["result"]["sha256"].clone());
    }
    assert!(digests[0].is_string());
    assert_eq!(digests[0], digests[1]);
    let outputs = program.folder.path().join("outputs/local");
    assert_eq!(outputs.read_dir().unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "waits for a second instead of 22")]
async fn what_takes_too_long_goes_on_in_the_queue() {
    let assets = Assets::serve().await;
    let options = ["--fetch-allow", &assets.allow(), "--answer-within", "1"];
    let program = Program::start(&options).await;
    // Its host asks for more patience than the caller has.
    let body = json!({ "digital_asset_url": assets.url("/throttled/1") });
    let (status, problem) = program.post_json("/api/v1/transform", &body).await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT, "{problem}");
    assert_eq!(problem["code"], "still_processing");
    let flow_ids = json!({ "flow_ids": [problem["flow_id"]] });
    let results = program.settled(&flow_ids).await;
    assert_eq!(results["status"], "COMPLETED", "{results}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_assets_are_answered_together() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let mut body = assets.body((0..20).map(|number| format!("/slow/{number}")));
    let urls = body["digital_asset_urls"].as_array_mut().unwrap();
    urls.insert(3, json!(assets.url("/status/404")));
    let (status, results) = program.post_json("/api/v1/transforms", &body).await;
    assert_eq!(status, StatusCode::OK, "{results}");
    assert_eq!(results["status"], "PARTIAL");
    assert_eq!(results["counts"]["completed"], 20);
    let flows = results["flows"].as_array().unwrap();
    assert_eq!(flows[3]["error"]["code"], "source_not_found");
    for (flow, url) in flows
        .iter()
        .zip(body["digital_asset_urls"].as_array().unwrap())
    {
        assert_eq!(&flow["digital_asset_url"], url);
    }
    // All ended in time, so that nothing is kept but the outputs.
    assert!(results["batch_id"].is_null(), "{results}");
    let (_, batches) = program.get_json("/api/v2/batches").await;
    assert_eq!(batches["batches"], json!([]), "{batches}");
    let url = flows[0]["result"]["url"].as_str().unwrap();
    assert_eq!(program.fetch(url).await.status(), StatusCode::OK);
}

/// What v1 answered is there to be asked for, where its operator wants it so.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "starts with an option")]
async fn what_costs_nothing_is_kept_where_that_is_asked_for() {
    let program = Program::start(&["--keep-v1"]).await;
    let body = json!({ "digital_asset_url": program.url("/samples/coffee.jpg") });
    let answer = program.post("/api/v1/transform", &body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let id = answer.headers()["assetmill-flow-id"].to_str().unwrap();
    // It is written once its caller is answered.
    let is_there = |results: &Value| results["counts"]["completed"] == 1;
    let ids = json!({ "flow_ids": [id] });
    let results = program.results_when(&ids, is_there).await;
    let url = results["flows"][0]["result"]["url"].as_str().unwrap();
    let kept = program.fetch(url).await.bytes().await.unwrap();
    assert_eq!(kept, answer.bytes().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_request_has_no_body() {
    let program = Program::start(&[]).await;
    let head = program
        .request(Method::HEAD, "/health")
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.bytes().await.unwrap(), "");
}
