//! `POST /api/v2/flows/cancel`

use serde_json::{Value, json};

use super::world::{ACME, ASSET, GLOBEX, World};

const CANCEL: &str = "/api/v2/flows/cancel";
const START: &str = "/api/v2/transforms";

async fn started(world: &World, urls: &[&str]) -> Value {
    let body = json!({ "digital_asset_urls": urls }).to_string();
    world.post(START, body).await.json()
}

#[tokio::test]
async fn a_filter_means_flows_of_all_batches() {
    let world = World::new();
    let other = format!("{ASSET}?other");
    let first = started(&world, &[ASSET, &other]).await;
    let second = started(&world, &[ASSET, ASSET, &other]).await;
    let third = started(&world, &[ASSET]).await;
    for (query, count) in [
        ("url=%3Fother", 2),
        ("operation=copy", 6),
        ("state=RUNNING", 0),
    ] {
        let path = format!("{CANCEL}?dry_run=true&{query}");
        let body = world.post(&path, "").await.json();
        assert_eq!(
            (&body["cancelled"], &body["dry_run"]),
            (&json!(count), &json!(true)),
            "{query}"
        );
    }
    let body = world
        .post(&format!("{CANCEL}?url=%3Fother"), "")
        .await
        .json();
    let of = |batch: &Value, cancelled: u32| json!({ "batch_id": batch["batch_id"], "cancelled": cancelled });
    let expected =
        json!({ "cancelled": 2, "batches": [of(&second, 1), of(&first, 1)], "complete": true });
    assert_eq!(body, expected);
    let rest = world
        .post(&format!("{CANCEL}?state=PENDING"), "")
        .await
        .json();
    let expected = [of(&third, 1), of(&second, 2), of(&first, 1)];
    assert_eq!(rest["batches"], json!(expected));
    let none = world
        .post(&format!("{CANCEL}?state=PENDING"), "")
        .await
        .json();
    assert_eq!(none["cancelled"], 0);
}

#[tokio::test]
async fn flows_are_named_by_their_ids() {
    let world = World::new();
    let first = started(&world, &[ASSET, ASSET, ASSET]).await;
    let second = started(&world, &[ASSET, ASSET]).await;
    let named = json!([
        first["flow_ids"][2],
        second["flow_ids"][0],
        first["flow_ids"][1]
    ]);
    let object = json!({ "flow_ids": named }).to_string();
    let body = world
        .post(&format!("{CANCEL}?dry_run=true"), object)
        .await
        .json();
    assert_eq!(body["cancelled"], 3);
    let filtered = world
        .post(&format!("{CANCEL}?state=FAILED"), named.to_string())
        .await;
    assert_eq!(filtered.json()["cancelled"], 0);
    let body = world.post(CANCEL, named.to_string()).await.json();
    let of = |batch: &Value, cancelled: u32| json!({ "batch_id": batch["batch_id"], "cancelled": cancelled });
    assert_eq!(body["batches"], json!([of(&second, 1), of(&first, 2)]));
    let left = world
        .post(&format!("{CANCEL}?state=PENDING"), "")
        .await
        .json();
    assert_eq!(left["cancelled"], 2);
}

#[tokio::test]
async fn nothing_named_is_not_everything() {
    let world = World::new();
    started(&world, &[ASSET]).await;
    for path in [CANCEL.to_owned(), format!("{CANCEL}?dry_run=true")] {
        let answer = world.post(&path, "").await;
        assert_eq!(answer.problem(), (422, "nothing_selected".to_owned(), None));
    }
    let empty = world.post(CANCEL, r#"{"flow_ids":[]}"#).await;
    assert_eq!(
        empty.problem(),
        (422, "empty_list".to_owned(), Some("/flow_ids".to_owned()))
    );
    let broken = world.post(CANCEL, "{").await;
    assert_eq!(broken.problem().1, "malformed_json");
    let left = world
        .post(&format!("{CANCEL}?state=PENDING"), "")
        .await
        .json();
    assert_eq!(left["cancelled"], 1);
}

#[tokio::test]
async fn an_id_that_is_nobodys_stops_nothing() {
    let world = World::with_keys();
    let body = json!({ "digital_asset_urls": [ASSET] }).to_string();
    let theirs = world.post_as(GLOBEX, START, body.clone()).await.json();
    let own = world.post_as(ACME, START, body).await.json();
    let both = json!([own["flow_ids"][0], theirs["flow_ids"][0]]).to_string();
    let answer = world.post_as(ACME, CANCEL, both).await;
    assert_eq!(answer.problem(), (404, "flow_not_found".to_owned(), None));
    assert!(
        answer
            .detail()
            .contains(theirs["flow_ids"][0].as_str().unwrap())
    );
    let every = format!("{CANCEL}?operation=copy");
    let body = world.post_as(ACME, &every, String::new()).await.json();
    assert_eq!(body["cancelled"], 1);
    let body = world.post_as(GLOBEX, &every, String::new()).await.json();
    assert_eq!(body["cancelled"], 1);
}
