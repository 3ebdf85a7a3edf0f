//! Limits of API Gateway and Lambda are answered, never suffered.

use reqwest::StatusCode;
use serde_json::json;

use crate::assets::Assets;
use crate::support::{Program, picture};

#[tokio::test(flavor = "multi_thread")]
async fn a_result_too_large_to_return_is_fetched_from_its_url() {
    let assets = Assets::serve().await;
    let program = Program::start(&[]).await;
    let body = json!({
        "digital_asset_url": assets.url("/noise"),
        "params": { "width": 1600, "height": 1600, "format": "png" },
    });
    let answer = program.post("/api/v1/transform", &body).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let content = program.fetch(&location).await.bytes().await.unwrap();
    assert!(content.len() > 6_000_000, "{}", content.len());
    assert_eq!(picture(&content).1, 1600);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_handed_to_the_queue() {
    let assets = Assets::serve().await;
    let program = Program::start(&[]).await;
    let paths = ["/photo/1", "/fatal/once-slow"].map(ToOwned::to_owned);
    let body = assets.body(paths);
    let (status, results) = program.post_json("/api/v1/transforms", &body).await;
    assert_eq!(status, StatusCode::OK, "{results}");
    assert_eq!(results["status"], "RUNNING", "{results}");
    assert_eq!(results["counts"]["completed"], 1, "{results}");
    let flow_ids: Vec<_> = results["flows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flow| flow["flow_id"].clone())
        .collect();
    let results = program.settled(&json!({ "flow_ids": flow_ids })).await;
    assert_eq!(results["status"], "COMPLETED", "{results}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_rows_than_an_answer_holds_are_refused() {
    let program = Program::start(&[]).await;
    let ids = |count: u32| {
        let id = |number| format!("01890a5d-ac96-774b-bcce-{number:012x}");
        json!((0..count).map(id).collect::<Vec<_>>())
    };
    let (status, problem) = program
        .post_json("/api/v2/transforms/results", &ids(1_001))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["code"], "too_many_flow_ids");
    let (status, results) = program
        .post_json("/api/v2/transforms/results", &ids(1_000))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(results["counts"]["not_found"], 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_without_a_key() {
    let program = Program::start(&[]).await;
    for path in ["/api/v2/operations", "/api/v2/batches"] {
        let request = program.request(reqwest::Method::GET, path);
        let answer = request.header("x-api-key", "not-the-key-of-anybody").send();
        assert_eq!(
            answer.await.unwrap().status(),
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
}
