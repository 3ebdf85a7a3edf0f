//! `POST /api/v2/batches/{batch_id}/retry`

use serde_json::json;

use super::world::{ACME, ASSET, GLOBEX, World};

fn retry(batch_id: &str) -> String {
    format!("/api/v2/batches/{batch_id}/retry")
}

fn half_failing() -> String {
    let failing = "https://assets.test/fails/source_not_found";
    json!({ "digital_asset_urls": [ASSET, failing, "ftp://a/b"] }).to_string()
}

#[tokio::test]
async fn what_failed_runs_again_in_a_batch_of_its_own() {
    let world = World::new().keeping();
    let old = world
        .post("/api/v1/transforms", half_failing())
        .await
        .json();
    let path = retry(old["batch_id"].as_str().unwrap());
    let answer = world.post(&path, "").await;
    assert_eq!(answer.status, 202);
    let body = answer.json();
    assert_eq!(body["retry_of"], old["batch_id"]);
    assert_ne!(body["batch_id"], old["batch_id"]);
    // The one that can't be fetched at all would fail again.
    assert_eq!(body["message"], "Started processing 1 digital asset");
    let location = answer.headers["location"].to_str().unwrap();
    assert!(location.ends_with(body["batch_id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_filter_says_what_runs_again_and_a_dry_run_how_many() {
    let world = World::new().keeping();
    let urls: Vec<_> = (0..5)
        .map(|number| format!("https://assets.test/fails/source_not_found?{number}"))
        .chain(["https://assets.test/fails/source_denied".to_owned()])
        .collect();
    let body = json!({ "digital_asset_urls": urls }).to_string();
    let old = world.post("/api/v1/transforms", body).await.json();
    let path = retry(old["batch_id"].as_str().unwrap());
    for (query, count) in [
        ("?dry_run=true", 6),
        ("?dry_run=true&code=source_denied", 1),
        ("?dry_run=true&code=source_not_found&url=%3F3", 1),
        ("?dry_run=true&state=COMPLETED", 0),
        ("?dry_run=true&code=vendor_denied", 0),
    ] {
        let answer = world.post(&format!("{path}{query}"), "").await;
        assert_eq!(answer.status, 200, "{query}");
        let body = answer.json();
        assert_eq!(body["digital_asset_count"], count, "{query}");
        assert_eq!(body["dry_run"], true);
    }
    let some = format!("{path}?code=source_not_found");
    let answer = world.post(&some, "").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["digital_asset_count"], 5);
    let none = world.post(&format!("{path}?code=vendor_denied"), "").await;
    assert_eq!(none.problem(), (409, "nothing_to_retry".to_owned(), None));
}

#[tokio::test]
async fn where_nothing_failed_there_is_nothing_to_retry() {
    let world = World::new().keeping();
    let body = json!({ "digital_asset_urls": [ASSET] }).to_string();
    let old = world.post("/api/v1/transforms", body).await.json();
    let path = retry(old["batch_id"].as_str().unwrap());
    let answer = world.post(&path, "").await;
    assert_eq!(answer.problem(), (409, "nothing_to_retry".to_owned(), None));
}

#[tokio::test]
async fn only_ones_own_batches_can_be_retried() {
    let world = World::with_keys().keeping();
    let old = world
        .post_as(ACME, "/api/v1/transforms", half_failing())
        .await;
    let path = retry(old.json()["batch_id"].as_str().unwrap());
    let theirs = world.post_as(GLOBEX, &path, String::new()).await;
    assert_eq!(theirs.problem(), (404, "batch_not_found".to_owned(), None));
    let own = world.post_as(ACME, &path, String::new()).await;
    assert_eq!(own.status, 202);
}

#[tokio::test]
async fn what_is_no_batch_can_not_be_retried() {
    let answer = World::new().post(&retry("nonsense"), "").await;
    assert_eq!(answer.problem(), (400, "invalid_batch_id".to_owned(), None));
}
