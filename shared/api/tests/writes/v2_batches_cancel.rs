//! `POST /api/v2/batches/{batch_id}/cancel`

use serde_json::json;

use super::world::{ACME, ASSET, GLOBEX, World};

fn order() -> String {
    json!({ "digital_asset_urls": [ASSET, ASSET] }).to_string()
}

fn cancel(batch_id: &str) -> String {
    format!("/api/v2/batches/{batch_id}/cancel")
}

#[tokio::test]
async fn what_has_not_started_is_stopped() {
    let world = World::new();
    let started = world.post("/api/v2/transforms", order()).await.json();
    let path = cancel(started["batch_id"].as_str().unwrap());
    let answer = world.post(&path, "").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["batch_id"], started["batch_id"]);
    assert_eq!(body["cancelled"], 2);
    assert_eq!(body["status"], "CANCELLED");
    assert_eq!(body["counts"]["cancelled"], 2);
    assert_eq!(world.post(&path, "").await.json()["cancelled"], 0);
}

#[tokio::test]
async fn a_filter_says_what_is_stopped_and_a_dry_run_how_many() {
    let world = World::new();
    let other = format!("{ASSET}?other");
    let body = json!({ "digital_asset_urls": [ASSET, other, ASSET] }).to_string();
    let started = world.post("/api/v2/transforms", body).await.json();
    let path = cancel(started["batch_id"].as_str().unwrap());
    for (query, count) in [("", 3), ("&url=%3FOTHER", 1), ("&state=RUNNING", 0)] {
        let answer = world.post(&format!("{path}?dry_run=true{query}"), "").await;
        let body = answer.json();
        assert_eq!(body["cancelled"], count, "{query}");
        assert_eq!(
            (&body["dry_run"], &body["status"]),
            (&true.into(), &"RUNNING".into())
        );
        assert_eq!(body["counts"]["pending"], 3);
    }
    let body = world.post(&format!("{path}?url=%3Fother"), "").await.json();
    assert_eq!(body["cancelled"], 1);
    assert_eq!(body["counts"]["pending"], 2);
    assert!(body.get("dry_run").is_none());
    let refused = world.post(&format!("{path}?dry_run=yes"), "").await;
    assert_eq!(refused.problem().1, "invalid_query");
}

#[tokio::test]
async fn what_is_done_stays_done() {
    let world = World::new().keeping();
    let done = world.post("/api/v1/transforms", order()).await.json();
    let path = cancel(done["batch_id"].as_str().unwrap());
    let body = world.post(&path, "").await.json();
    assert_eq!(body["cancelled"], 0);
    assert_eq!(body["status"], "COMPLETED");
}

#[tokio::test]
async fn only_ones_own_batches_can_be_stopped() {
    let world = World::with_keys();
    let started = world.post_as(ACME, "/api/v2/transforms", order()).await;
    let path = cancel(started.json()["batch_id"].as_str().unwrap());
    let theirs = world.post_as(GLOBEX, &path, String::new()).await;
    assert_eq!(theirs.problem(), (404, "batch_not_found".to_owned(), None));
    let own = world.post_as(ACME, &path, String::new()).await;
    assert_eq!(own.json()["cancelled"], 2);
    assert_eq!(world.post(&path, "").await.problem().0, 401);
}

#[tokio::test]
async fn what_is_no_batch_can_not_be_stopped() {
    let world = World::new();
    for (id, status, code) in [
        ("nonsense", 400, "invalid_batch_id"),
        (
            "01890a5d-ac96-774b-bcce-b302099a8057",
            404,
            "batch_not_found",
        ),
    ] {
        let answer = world.post(&cancel(id), "").await;
        assert_eq!(answer.problem(), (status, code.to_owned(), None));
    }
}
