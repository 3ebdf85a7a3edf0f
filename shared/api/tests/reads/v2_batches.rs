//! `GET /api/v2/batches`

use assetmill_contract::samples::at;
use serde_json::{Value, json};

use super::world::{ACME, GLOBEX, World, completed, failed, pending};

const PATH: &str = "/api/v2/batches";

fn ids(body: &Value) -> Vec<Value> {
    let batches = body["batches"].as_array().unwrap();
    batches
        .iter()
        .map(|batch| batch["batch_id"].clone())
        .collect()
}

#[tokio::test]
async fn a_batch_shows_its_counts_and_status() {
    let world = World::new();
    let (batch, _) = world.batch(&[completed(), failed(), pending()]).await;
    let answer = world.get(PATH).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "batches": [{
                "batch_id": batch.id,
                "status": "RUNNING",
                "operation": "copy",
                "params": {},
                "digital_asset_count": 3,
                "counts": {
                    "total": 3, "pending": 1, "running": 0, "completed": 1, "failed": 1,
                    "cancelled": 0,
                },
                "created_at": format!("{:.3}", at(0)),
            }],
        })
    );
}

#[tokio::test]
async fn pages_show_every_batch_once_the_latest_first() {
    let world = World::new();
    let mut expected = Vec::new();
    for _ in 0..25 {
        expected.insert(0, json!(world.batch(&[pending()]).await.0.id));
    }
    let mut seen = Vec::new();
    let mut path = format!("{PATH}?limit=12");
    let mut pages = 0;
    loop {
        let body = world.get(&path).await.json();
        seen.extend(ids(&body));
        pages += 1;
        let Some(cursor) = body["next_cursor"].as_str() else {
            break;
        };
        path = format!("{PATH}?limit=12&cursor={cursor}");
    }
    assert_eq!(seen, expected);
    assert_eq!(pages, 3);
    assert_eq!(ids(&world.get(PATH).await.json()).len(), 20);
}

#[tokio::test]
async fn a_last_page_that_is_full_has_no_next() {
    let world = World::new();
    world.batch(&[pending()]).await;
    world.batch(&[pending()]).await;
    let body = world.get(&format!("{PATH}?limit=2")).await.json();
    assert_eq!(ids(&body).len(), 2);
    assert!(body.get("next_cursor").is_none());
}

#[tokio::test]
async fn others_batches_are_not_listed() {
    let world = World::with_keys();
    world.batch(&[pending()]).await;
    let theirs = world.get_as(GLOBEX, PATH).await.json();
    assert_eq!(theirs, json!({ "batches": [] }));
    assert_eq!(ids(&world.get_as(ACME, PATH).await.json()).len(), 1);
    assert_eq!(world.get(PATH).await.problem().0, 401);
}

#[tokio::test]
async fn a_wrong_query_names_the_parameter() {
    for (query, named) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=", "cursor"),
        ("state=FAILED", "state"),
    ] {
        let answer = World::new().get(&format!("{PATH}?{query}")).await;
        assert_eq!(answer.problem(), (400, "invalid_query".to_owned(), None));
        let subject = format!("the query parameter {named} ");
        assert!(answer.detail().starts_with(&subject), "{}", answer.detail());
    }
}
