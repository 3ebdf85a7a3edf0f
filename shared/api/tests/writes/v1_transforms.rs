//! `POST /api/v1/transforms`

use serde_json::json;

use super::world::{ASSET, World};

const PATH: &str = "/api/v1/transforms";

fn order(urls: &[&str]) -> String {
    json!({ "digital_asset_urls": urls }).to_string()
}

#[tokio::test]
async fn more_than_an_answer_holds_is_sent_to_the_background() {
    let mut world = World::new();
    world.state.max_rows = 2;
    let body = |number| json!({ "digital_asset_urls": vec![ASSET; number] }).to_string();
    assert_eq!(world.post(PATH, body(2)).await.status, 200);
    let answer = world.post(PATH, body(3)).await;
    let pointer = Some("/digital_asset_urls".to_owned());
    assert_eq!(answer.problem(), (422, "too_many_urls".to_owned(), pointer));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("/api/v2/transforms"), "{detail}");
}

#[tokio::test]
async fn every_asset_has_its_row_in_the_order_of_the_request() {
    let urls = [
        ASSET,
        "https://assets.test/fails/source_not_found",
        "ftp://assets.test/a",
        "https://me:hunter2@assets.test/a",
    ];
    let answer = World::new().post(PATH, order(&urls)).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["status"], "PARTIAL");
    // Nobody needs to ask for it again.
    assert!(body["batch_id"].is_null(), "{body}");
    assert_eq!(
        body["counts"],
        json!({
            "total": 4, "pending": 0, "running": 0, "completed": 1, "failed": 3, "cancelled": 0,
            "not_found": 0,
        })
    );
    let rows = body["flows"].as_array().unwrap();
    let column = |name: &str| -> Vec<_> { rows.iter().map(|row| row[name].clone()).collect() };
    assert_eq!(column("index"), [0, 1, 2, 3]);
    assert_eq!(column("state"), ["COMPLETED", "FAILED", "FAILED", "FAILED"]);
    assert_eq!(column("digital_asset_url")[..3], urls[..3]);
    assert_eq!(rows[0]["result"]["media_type"], "image/png");
    assert_eq!(rows[0]["result"]["bytes"], 21);
    assert_eq!(rows[0]["params"], json!({ "times": 1 }));
    assert!(rows[0].get("error").is_none());
    assert_eq!(
        rows[1]["error"],
        json!({ "code": "source_not_found", "message": "as it was told to", "retryable": false })
    );
    assert_eq!(rows[2]["error"]["code"], "unsupported_scheme");
    assert_eq!(rows[3]["error"]["code"], "credentials_in_url");
    assert!(!body.to_string().contains("hunter2"));
}

/// Some fail before anything is paid for, and then the batch is accepted.
#[tokio::test]
async fn what_is_paid_for_is_a_batch_that_is_complete_when_it_is_answered() {
    for urls in [
        ["https://assets.test/fails/source_not_found", ASSET],
        [ASSET, "https://assets.test/fails/source_not_found"],
        ["ftp://assets.test/a", ASSET],
    ] {
        let world = World::paid();
        let body = world.post(PATH, order(&urls)).await.json();
        assert_eq!(body["status"], "PARTIAL", "{body}");
        let tenant = "default".parse().unwrap();
        let batches = world.state.submit.flows.batches(&tenant, None, 2);
        let batches = batches.await.unwrap();
        assert_eq!(body["batch_id"], batches[0].id.to_string());
        assert!(batches[0].completed_at.is_some(), "{urls:?}");
        assert_eq!(world.messages().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_goes_on_and_the_rest_is_answered() {
    let world = World::new();
    let body = order(&[ASSET, "https://assets.test/slow"]);
    let body = world.post(PATH, body).await.json();
    assert_eq!(body["status"], "RUNNING");
    assert_eq!(body["flows"][0]["state"], "COMPLETED");
    assert_eq!(body["flows"][1]["state"], "PENDING");
    // Whoever waits for the rest can ask for all.
    assert_eq!(body["batch_id"].as_str().unwrap().len(), 36);
    assert_eq!(world.batches().await, 1);
    assert_eq!(world.messages().await, 1);
}

#[tokio::test]
async fn nothing_starts_when_one_is_no_url_at_all() {
    let world = World::new();
    let answer = world.post(PATH, order(&[ASSET, ASSET, "coffee.png"])).await;
    let pointer = Some("/digital_asset_urls/2".to_owned());
    assert_eq!(answer.problem(), (422, "invalid_url".to_owned(), pointer));
    assert_eq!(world.messages().await, 0);
}
