//! `GET /api/v2/batches/{batch_id}`

use serde_json::Value;

use super::world::{ACME, GLOBEX, World, cancelled, completed, failed, pending};

fn path(batch_id: impl std::fmt::Display) -> String {
    format!("/api/v2/batches/{batch_id}")
}

fn indexes(body: &Value) -> Vec<u64> {
    let flows = body["flows"].as_array().unwrap();
    flows
        .iter()
        .map(|flow| flow["index"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_batch_shows_its_flows_in_order() {
    let world = World::new();
    let (batch, _) = world.batch(&[completed(), failed(), cancelled()]).await;
    let answer = world.get(&path(batch.id)).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["batch_id"].as_str(), Some(&*batch.id.to_string()));
    assert_eq!(body["status"], "PARTIAL");
    assert_eq!(body["counts"]["total"], 3);
    assert_eq!(indexes(&body), [0, 1, 2]);
    assert_eq!(body["flows"][0]["result"]["bytes"], 4);
    assert!(body.get("next_cursor").is_none());
}

#[tokio::test]
async fn flows_can_be_asked_for_by_state() {
    let world = World::new();
    let (batch, _) = world.batch(&[completed(), failed(), completed()]).await;
    let body = world
        .get(&format!("{}?state=COMPLETED", path(batch.id)))
        .await
        .json();
    assert_eq!(indexes(&body), [0, 2]);
    assert_eq!(body["counts"]["failed"], 1);
}

#[tokio::test]
async fn flows_can_be_asked_for_by_a_filter() {
    let world = World::new();
    let mut statuses = vec![completed(); 30];
    statuses[7] = failed();
    statuses[29] = failed();
    let (batch, _) = world.batch(&statuses).await;
    for (query, expected) in [
        ("?code=corrupt_asset", &[7, 29][..]),
        ("?code=corrupt_asset&limit=1", &[7]),
        ("?code=vendor_timeout", &[]),
        ("?url=example.com%2F2&limit=4", &[2, 20, 21, 22]),
        ("?url=example.com%2F2&state=FAILED", &[29]),
    ] {
        let body = world
            .get(&format!("{}{query}", path(batch.id)))
            .await
            .json();
        assert_eq!(indexes(&body), expected, "{query}");
    }
    // However few are asked for, every one of them is shown once.
    let mut seen = Vec::new();
    let some = format!("{}?url=example.com%2F2&limit=3", path(batch.id));
    let mut next = some.clone();
    loop {
        let body = world.get(&next).await.json();
        assert!(indexes(&body).len() <= 3);
        seen.extend(indexes(&body));
        match body["next_cursor"].as_str() {
            Some(cursor) => next = format!("{some}&cursor={cursor}"),
            None => break,
        }
    }
    let with_two = [2].into_iter().chain(20..30).collect::<Vec<u64>>();
    assert_eq!(seen, with_two);
    // What is between is passed over by the cursor, too.
    let first = format!("{}?code=corrupt_asset&limit=1", path(batch.id));
    let body = world.get(&first).await.json();
    let next = format!("{first}&cursor={}", body["next_cursor"].as_str().unwrap());
    let body = world.get(&next).await.json();
    assert_eq!(indexes(&body), [29]);
}

#[tokio::test]
async fn pages_show_every_flow_once() {
    let world = World::new();
    let (batch, _) = world.batch(&vec![pending(); 25]).await;
    let mut seen = Vec::new();
    let mut query = String::new();
    loop {
        let path = format!("{}?limit=10{query}", path(batch.id));
        let body = world.get(&path).await.json();
        assert!(body["flows"].as_array().unwrap().len() <= 10);
        seen.extend(indexes(&body));
        match body["next_cursor"].as_str() {
            Some(cursor) => query = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_has_a_hundred_flows_unless_it_is_told_otherwise() {
    let world = World::new();
    let (batch, _) = world.batch(&vec![pending(); 1_001]).await;
    assert_eq!(indexes(&world.get(&path(batch.id)).await.json()).len(), 100);
    let most = format!("{}?limit=1000", path(batch.id));
    assert_eq!(indexes(&world.get(&most).await.json()).len(), 1_000);
}

#[tokio::test]
async fn others_batches_do_not_exist() {
    let world = World::with_keys();
    let (batch, _) = world.batch(&[pending()]).await;
    let path = path(batch.id);
    assert_eq!(world.get_as(ACME, &path).await.status, 200);
    let answer = world.get_as(GLOBEX, &path).await;
    assert_eq!(answer.problem(), (404, "batch_not_found".to_owned(), None));
    assert_eq!(world.get(&path).await.problem().0, 401);
}

#[tokio::test]
async fn a_wrong_question_says_what_is_wrong() {
    let world = World::new();
    let (batch, _) = world.batch(&[pending()]).await;
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (path, status, code, hint) in [
        (path("nonsense"), 400, "invalid_batch_id", "UUID"),
        (path(unknown), 404, "batch_not_found", "GET /api/v2/batches"),
        (
            format!("{}?limit=1001", path(batch.id)),
            400,
            "invalid_query",
            "from 1 to 1000",
        ),
        (
            format!("{}?state=DONE", path(batch.id)),
            400,
            "invalid_query",
            "PENDING, RUNNING",
        ),
        (
            format!("{}?state=failed", path(batch.id)),
            400,
            "invalid_query",
            "FAILED",
        ),
        (
            format!("{}?cursor=!", path(batch.id)),
            400,
            "invalid_query",
            "next_cursor",
        ),
        (
            format!("{}?page=2", path(batch.id)),
            400,
            "invalid_query",
            "page is unknown",
        ),
    ] {
        let answer = world.get(&path).await;
        assert_eq!(answer.problem(), (status, code.to_owned(), None), "{path}");
        assert!(answer.detail().contains(hint), "{}", answer.detail());
    }
}
