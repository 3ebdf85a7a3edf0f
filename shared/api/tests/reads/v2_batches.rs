//! `GET /api/v2/batches`

use assetmill_contract::samples::{self, at};
use assetmill_core::ports::FlowWrites as _;
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

/// A batch of this name, with these labels.
async fn called(world: &World, name: &str, labels: &str) -> Value {
    let (mut batch, flows) = samples::batch(1);
    batch.name = Some(name.to_owned().try_into().unwrap());
    batch.labels = labels.parse().unwrap();
    world.flows.put_flows(&flows).await.unwrap();
    world.flows.put_batch(&batch).await.unwrap();
    json!(batch.id)
}

#[tokio::test]
async fn batches_are_found_by_what_they_are_called() {
    let world = World::new();
    world.batch(&[pending()]).await;
    let spring = called(&world, "Spring", "season:spring,kind:shoe").await;
    let first = called(&world, "Autumn, part 1", "season:autumn,kind:shoe").await;
    let second = called(&world, "autumn, part 2", "season:autumn").await;
    for (query, expected) in [
        ("name=AUTUMN", vec![&second, &first]),
        ("name=part%201", vec![&first]),
        ("labels=season:autumn", vec![&second, &first]),
        ("labels=season:autumn,kind:shoe", vec![&first]),
        ("labels=kind:shoe", vec![&first, &spring]),
        ("labels=kind:shoe&limit=1", vec![&first]),
        ("labels=kind:hat", vec![]),
        ("operation=copy&name=spring", vec![&spring]),
        ("operation=other", vec![]),
        ("since=2999-01-01T00:00:00Z", vec![]),
    ] {
        let body = world.get(&format!("{PATH}?{query}")).await.json();
        assert_eq!(ids(&body).iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let shown = world.get(&format!("{PATH}?name=part+1")).await.json();
    assert_eq!(shown["batches"][0]["name"], "Autumn, part 1");
    let labels = json!({ "season": "autumn", "kind": "shoe" });
    assert_eq!(shown["batches"][0]["labels"], labels);
}

/// However rare they are, a page looks at so many batches, and the next at those that follow.
#[tokio::test]
async fn a_rare_batch_is_found_page_by_page() {
    let world = World::new();
    let rare = called(&world, "rare", "a:b").await;
    for _ in 0..1_500 {
        world.batch(&[]).await;
    }
    let path = format!("{PATH}?name=rare");
    let body = world.get(&path).await.json();
    assert_eq!(ids(&body), [] as [Value; 0]);
    let next = body["next_cursor"].as_str().unwrap();
    let body = world.get(&format!("{path}&cursor={next}")).await.json();
    assert_eq!(ids(&body), [rare]);
    assert!(body.get("next_cursor").is_none());
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
