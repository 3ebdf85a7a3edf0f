//! `POST /api/v2/flows/retry`

use assetmill_core::usecases::{KeyedRequest, Selection};
use assetmill_core::{FailureCode, FlowFilter, Sha256Digest};
use serde_json::{Value, json};

use super::world::{ACME, ASSET, GLOBEX, World};

const RETRY: &str = "/api/v2/flows/retry";
const NOT_FOUND: &str = "https://assets.test/fails/source_not_found";
const DENIED: &str = "https://assets.test/fails/source_denied";

/// A batch that is complete.
async fn done(world: &World, urls: &[&str]) -> Value {
    let body = json!({ "digital_asset_urls": urls }).to_string();
    world.post("/api/v1/transforms", body).await.json()
}

/// The old batch and the number of flows of each new one.
fn batches(body: &Value) -> Vec<(Value, Value)> {
    let batches = body["batches"].as_array().unwrap();
    let of = |batch: &Value| {
        (
            batch["retry_of"].clone(),
            batch["digital_asset_count"].clone(),
        )
    };
    batches.iter().map(of).collect()
}

fn id(batch: &Value) -> Value {
    batch["batch_id"].clone()
}

#[tokio::test]
async fn what_failed_in_several_batches_runs_again() {
    let world = World::new().keeping();
    let first = done(&world, &[NOT_FOUND, ASSET, DENIED]).await;
    let second = done(&world, &[NOT_FOUND, NOT_FOUND, "ftp://a/b"]).await;
    done(&world, &[ASSET]).await;
    for (query, count) in [
        ("state=FAILED", 4),
        ("code=source_denied", 1),
        ("operation=copy", 4),
        ("operation=other", 0),
        ("state=COMPLETED", 0),
        ("since=2999-01-01T00:00:00Z", 0),
    ] {
        let answer = world
            .post(&format!("{RETRY}?dry_run=true&{query}"), "")
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["digital_asset_count"], count, "{query}");
    }
    assert_eq!(world.batches().await, 3);
    let answer = world
        .post(&format!("{RETRY}?code=source_not_found"), "")
        .await;
    assert_eq!(answer.status, 202);
    let body = answer.json();
    assert_eq!(
        batches(&body),
        [(id(&second), json!(2)), (id(&first), json!(1))]
    );
    assert_eq!(
        (&body["digital_asset_count"], &body["complete"]),
        (&json!(3), &json!(true))
    );
    assert!(body["batches"][0]["batch_id"].is_string());
    assert_eq!(world.batches().await, 5);
    assert_eq!(world.messages().await, 3);
    let none = world.post(&format!("{RETRY}?code=vendor_denied"), "").await;
    assert_eq!(none.problem(), (409, "nothing_to_retry".to_owned(), None));
    let all = world.post(RETRY, "").await;
    assert_eq!(all.problem(), (422, "nothing_selected".to_owned(), None));
}

#[tokio::test]
async fn flows_are_named_by_their_ids() {
    let world = World::new().keeping();
    let batch = done(&world, &[NOT_FOUND, ASSET, DENIED]).await;
    let flow = |index: usize| batch["flows"][index]["flow_id"].clone();
    let named = json!({ "flow_ids": [flow(1), flow(2)] }).to_string();
    let body = world.post(RETRY, named).await.json();
    assert_eq!(batches(&body), [(id(&batch), json!(1))]);
}

#[tokio::test]
async fn a_request_that_is_sent_again_retries_nothing_again() {
    let world = World::new().keeping();
    let first = done(&world, &[NOT_FOUND, DENIED]).await;
    let second = done(&world, &[NOT_FOUND]).await;
    let path = format!("{RETRY}?code=source_not_found");
    let begun = world.post_keyed("a", &path, "").await;
    assert_eq!(
        batches(&begun.json()),
        [(id(&second), json!(1)), (id(&first), json!(1))]
    );
    // What fails later is not meant.
    done(&world, &[NOT_FOUND]).await;
    let again = world.post_keyed("a", &path, "").await;
    assert_eq!(again.status, 202);
    assert_eq!(again.json(), begun.json());
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(world.batches().await, 5);
    let other = world
        .post_keyed("a", &format!("{RETRY}?code=source_denied"), "")
        .await;
    assert_eq!(other.problem().1, "idempotency_key_reused");
    let anew = world.post_keyed("b", &path, "").await.json();
    assert_eq!(anew["digital_asset_count"], 1);
}

#[tokio::test]
async fn a_request_that_broke_off_after_its_first_batch_is_ended_by_the_next() {
    let world = World::new().keeping();
    let first = done(&world, &[NOT_FOUND]).await;
    let second = done(&world, &[NOT_FOUND, NOT_FOUND]).await;
    let request = KeyedRequest {
        tenant: "default".parse().unwrap(),
        key: "a".parse().unwrap(),
        fingerprint: Sha256Digest::of_parts([RETRY, "code=source_not_found"]),
    };
    let filter = FlowFilter {
        code: Some(FailureCode::SourceNotFound),
        ..FlowFilter::default()
    };
    let (retry, once) = (&world.state.retry, &world.state.once);
    let selection = Selection::of(filter).unwrap();
    let affected = retry.preview_everywhere(&request.tenant, &selection).await;
    let mut affected = affected.unwrap();
    affected.batches.truncate(1);
    let broken_off = retry.everywhere_once(once, &request, None, &affected).await;
    let begun = broken_off.unwrap();
    assert_eq!(begun.len(), 1);
    let path = format!("{RETRY}?code=source_not_found");
    let whole = world.post_keyed("a", &path, "").await.json();
    assert_eq!(
        batches(&whole),
        [(id(&second), json!(2)), (id(&first), json!(1))]
    );
    assert_eq!(whole["batches"][0]["batch_id"], begun[0].id.to_string());
    assert_eq!(world.batches().await, 4);
}

/// Who asks again and again for all failures would double them each time.
#[tokio::test]
async fn what_runs_again_already_is_left_out_unless_it_is_named() {
    let world = World::new().keeping();
    let batch = done(&world, &[NOT_FOUND, DENIED, ASSET]).await;
    let path = format!("{RETRY}?operation=copy");
    let some = world
        .post(&format!("{RETRY}?code=source_denied"), "")
        .await
        .json();
    assert_eq!(some["digital_asset_count"], 1);
    let rest = world.post(&path, "").await.json();
    assert_eq!(batches(&rest), [(id(&batch), json!(1))]);
    let none = world.post(&path, "").await;
    assert_eq!(none.problem(), (409, "nothing_to_retry".to_owned(), None));
    let named = json!({ "flow_ids": [batch["flows"][0]["flow_id"]] }).to_string();
    assert_eq!(
        world.post(RETRY, named).await.json()["digital_asset_count"],
        1
    );
    assert_eq!(world.batches().await, 4);
}

#[tokio::test]
async fn others_failures_are_not_run() {
    let world = World::with_keys().keeping();
    let body = json!({ "digital_asset_urls": [NOT_FOUND] }).to_string();
    world.post_as(ACME, "/api/v1/transforms", body).await;
    let every = format!("{RETRY}?state=FAILED");
    let theirs = world.post_as(GLOBEX, &every, String::new()).await;
    assert_eq!(theirs.problem(), (409, "nothing_to_retry".to_owned(), None));
    let own = world.post_as(ACME, &every, String::new()).await;
    assert_eq!(own.json()["digital_asset_count"], 1);
}
