//! The header `Idempotency-Key`, on each route that starts something.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::support;
use super::world::{ACME, ASSET, GLOBEX, World};

const V1_ONE: &str = "/api/v1/transform";
const V1_MANY: &str = "/api/v1/transforms";
const V2: &str = "/api/v2/transforms";
const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

fn one(url: &str) -> String {
    json!({ "digital_asset_url": url }).to_string()
}

fn many(urls: &[&str]) -> String {
    json!({ "digital_asset_urls": urls }).to_string()
}

fn reused() -> (u16, String, Option<String>) {
    (422, "idempotency_key_reused".to_owned(), None)
}

fn is_replayed(answer: &support::Answer) -> bool {
    let header = answer.headers.get("idempotent-replayed");
    header.is_some_and(|header| header == "true")
}

#[tokio::test]
async fn a_batch_that_is_sent_again_is_started_once() {
    let world = World::new();
    let body = format!(
        r#"{{"digital_asset_urls": ["{ASSET}", "{ASSET}"], "params": {{"times": 2}}, "operation": "copy"}}"#
    );
    let same = format!(
        r#"{{ "operation":"copy","params":{{"times":2}},"digital_asset_urls":["{ASSET}","{ASSET}"]}}"#
    );
    let first = world.post_keyed(KEY, V2, &body).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert!(!is_replayed(&first));
    for (key, body) in [(KEY, &body), (KEY, &same), (&format!("\"{KEY}\""), &same)] {
        let again = world.post_keyed(key, V2, body).await;
        assert_eq!(again.status, StatusCode::ACCEPTED);
        assert_eq!(again.json(), first.json());
        assert_eq!(again.headers["location"], first.headers["location"]);
        assert!(is_replayed(&again));
    }
    assert_eq!(world.batches().await, 1);
    assert_eq!(world.messages().await, 2);
}

#[tokio::test]
async fn without_a_key_or_with_another_one_it_is_another_batch() {
    let world = World::new();
    let body = many(&[ASSET]);
    world.post(V2, body.clone()).await;
    world.post(V2, body.clone()).await;
    world.post_keyed(KEY, V2, &body).await;
    world.post_keyed("another", V2, &body).await;
    assert_eq!(world.batches().await, 4);
}

#[tokio::test]
async fn what_differs_is_refused_under_the_same_key() {
    let world = World::new();
    world.post_keyed(KEY, V2, &many(&[ASSET])).await;
    let with = |field: &str, value: Value| {
        let mut body = json!({ "digital_asset_urls": [ASSET] });
        body[field] = value;
        body.to_string()
    };
    for (path, body) in [
        (V2, many(&[ASSET, ASSET])),
        (V2, many(&["https://assets.test/other.png"])),
        (V2, with("params", json!({ "times": 2 }))),
        (V2, with("operation", json!("copy"))),
        (V1_MANY, many(&[ASSET])),
        (V1_ONE, one(ASSET)),
        (
            "/api/v2/batches/01890a5d-ac96-774b-bcce-b302099a8000/retry",
            String::new(),
        ),
    ] {
        let answer = world.post_keyed(KEY, path, &body).await;
        assert_eq!(answer.problem(), reused(), "{path} {body}");
    }
    assert_eq!(world.batches().await, 1);
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_starts_nothing() {
    let world = World::new();
    let too_long = "k".repeat(256);
    for key in ["", "\"open", "a b", &too_long] {
        for (path, body) in [
            (V1_ONE, one(ASSET)),
            (V1_MANY, many(&[ASSET])),
            (V2, many(&[ASSET])),
            (
                "/api/v2/batches/01890a5d-ac96-774b-bcce-b302099a8000/retry",
                String::new(),
            ),
        ] {
            let answer = world.post_keyed(key, path, &body).await;
            let expected = (400, "invalid_idempotency_key".to_owned(), None);
            assert_eq!(answer.problem(), expected, "{path} {key}");
        }
    }
    assert_eq!(world.batches().await, 0);
}

#[tokio::test]
async fn tenants_have_keys_of_their_own() {
    let world = World::with_keys();
    let post = async |key: &str, url: &str| {
        let mut request = support::post(V2, many(&[url]));
        let headers = request.headers_mut();
        headers.insert("x-api-key", key.parse().unwrap());
        headers.insert("idempotency-key", KEY.parse().unwrap());
        world.ask(request).await
    };
    let acme = post(ACME, ASSET).await;
    let globex = post(GLOBEX, "https://assets.test/theirs.png").await;
    assert_eq!(globex.status, StatusCode::ACCEPTED);
    assert_ne!(globex.json()["batch_id"], acme.json()["batch_id"]);
    assert_eq!(post(ACME, ASSET).await.json(), acme.json());
}

#[tokio::test(start_paused = true)]
async fn a_key_is_new_again_after_a_day() {
    let world = World::new();
    let first = world.post_keyed(KEY, V2, &many(&[ASSET])).await.json();
    tokio::time::advance(Duration::from_hours(24) - Duration::from_secs(1)).await;
    let again = world.post_keyed(KEY, V2, &many(&[ASSET])).await.json();
    assert_eq!(again, first);
    tokio::time::advance(Duration::from_secs(1)).await;
    let other = world.post_keyed(KEY, V2, &many(&[ASSET, ASSET])).await;
    assert_eq!(other.status, StatusCode::ACCEPTED);
    assert_ne!(other.json()["batch_id"], first["batch_id"]);
}

#[tokio::test]
async fn what_was_refused_has_not_used_its_key() {
    let world = World::new();
    let refused = world.post_keyed(KEY, V2, &many(&["no url"])).await;
    assert_eq!(refused.problem().1, "invalid_url");
    let accepted = world.post_keyed(KEY, V2, &many(&[ASSET])).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn one_asset_that_is_sent_again_is_made_once() {
    let world = World::new();
    let first = world.post_keyed(KEY, V1_ONE, &one(ASSET)).await;
    assert_eq!(first.status, StatusCode::OK);
    let again = world.post_keyed(KEY, V1_ONE, &one(ASSET)).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.bytes, first.bytes);
    for header in ["assetmill-flow-id", "etag", "content-type"] {
        assert_eq!(again.headers[header], first.headers[header]);
    }
    assert!(is_replayed(&again) && !is_replayed(&first));
    assert_eq!(world.batches().await, 1);
}

#[tokio::test]
async fn a_failure_is_told_again() {
    let world = World::new();
    let body = one("https://assets.test/fails/source_not_found");
    let first = world.post_keyed(KEY, V1_ONE, &body).await;
    assert_eq!(first.problem().1, "source_not_found");
    let again = world.post_keyed(KEY, V1_ONE, &body).await;
    assert_eq!(again.json(), first.json());
    assert!(is_replayed(&again));
    assert_eq!(world.batches().await, 1);
}

#[tokio::test(start_paused = true)]
async fn who_asks_while_the_first_still_runs_waits_for_the_same_flow() {
    let world = World::new();
    let body = one("https://assets.test/slow");
    let ask = || world.post_keyed(KEY, V1_ONE, &body);
    let (first, meanwhile) = tokio::join!(ask(), ask());
    assert_eq!(first.problem().1, "still_processing");
    let later = ask().await;
    for answer in [&meanwhile, &later] {
        assert_eq!(answer.json(), first.json());
    }
    assert_eq!(world.batches().await, 1);
}

#[tokio::test]
async fn many_assets_that_are_sent_again_are_made_once() {
    let world = World::new();
    let body = many(&[
        ASSET,
        "https://assets.test/fails/source_not_found",
        "ftp://a/b",
    ]);
    let first = world.post_keyed(KEY, V1_MANY, &body).await.json();
    assert_eq!(first["status"], "PARTIAL");
    let again = world.post_keyed(KEY, V1_MANY, &body).await;
    assert!(is_replayed(&again));
    let again = again.json();
    for field in ["batch_id", "status", "counts"] {
        assert_eq!(again[field], first[field], "{field}");
    }
    let ids = |body: &Value| -> Vec<Value> {
        let flows = body["flows"].as_array().unwrap();
        flows.iter().map(|flow| flow["flow_id"].clone()).collect()
    };
    assert_eq!(ids(&again).len(), 3);
    assert_eq!(ids(&again), ids(&first));
    assert_eq!(world.batches().await, 1);
}

#[tokio::test]
async fn a_retry_that_is_sent_again_is_started_once() {
    let world = World::new().keeping();
    let body = many(&[ASSET, "https://assets.test/fails/source_not_found"]);
    let old = world.post(V1_MANY, body).await.json();
    let path = format!(
        "/api/v2/batches/{}/retry",
        old["batch_id"].as_str().unwrap()
    );
    let first = world.post_keyed(KEY, &path, "").await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let again = world.post_keyed(KEY, &path, "").await;
    assert_eq!(again.json(), first.json());
    assert_eq!(again.json()["retry_of"], old["batch_id"]);
    assert!(is_replayed(&again));
    assert_eq!(world.batches().await, 2);
}
