//! `POST /api/v2/transforms`

use serde_json::{Value, json};

use super::world::{ASSET, World};

const PATH: &str = "/api/v2/transforms";

fn order(urls: &[&str]) -> String {
    json!({ "digital_asset_urls": urls }).to_string()
}

#[tokio::test]
async fn a_batch_is_started_with_a_flow_for_each_asset() {
    let world = World::new();
    let answer = world.post(PATH, order(&[ASSET, ASSET])).await;
    assert_eq!(answer.status, 202);
    let body = answer.json();
    let batch_id = body["batch_id"].as_str().unwrap();
    assert_eq!(
        body,
        json!({
            "flow_ids": body["flow_ids"],
            "batch_id": batch_id,
            "message": "Started processing 2 digital assets",
            "status": "RUNNING",
            "digital_asset_count": 2,
        })
    );
    assert_eq!(body["flow_ids"].as_array().unwrap().len(), 2);
    assert_eq!(
        answer.headers["location"],
        format!("/api/v2/batches/{batch_id}").as_str()
    );
    assert_eq!(world.messages().await, 2);
}

#[tokio::test]
async fn a_batch_is_called_and_labelled_as_its_caller_says() {
    let world = World::new();
    let order = |name: Value, labels: Value| {
        json!({ "digital_asset_urls": [ASSET], "name": name, "labels": labels }).to_string()
    };
    let named = order(json!("autumn"), json!({ "season": "autumn", "a/b": "" }));
    assert_eq!(world.post(PATH, named).await.status, 202);
    let long = "x".repeat(129);
    for (name, labels, pointer, hint) in [
        (json!(""), json!({}), "/name", "1 to 128 characters"),
        (json!("a\nb"), json!({}), "/name", "control"),
        (json!(long), json!({}), "/name", "128"),
        (json!(5), json!({}), "/name", "integer"),
        (json!("a"), json!({ "A": "b" }), "/labels", "a-z"),
        (json!("a"), json!({ "a": long }), "/labels", "128"),
        (json!("a"), json!({ "a": 5 }), "/labels/a", "integer"),
        (json!("a"), json!(["a"]), "/labels", "object"),
    ] {
        let answer = world.post(PATH, order(name, labels)).await;
        let at = Some(pointer.to_owned());
        assert_eq!(answer.problem(), (422, "invalid_body".to_owned(), at));
        let detail = answer.detail();
        assert!(detail.contains(hint), "{detail}");
    }
}

#[tokio::test]
async fn one_asset_is_one_digital_asset() {
    let body = World::new().post(PATH, order(&[ASSET])).await.json();
    assert_eq!(body["message"], "Started processing 1 digital asset");
}

#[tokio::test]
async fn ten_thousand_assets_are_one_batch() {
    let answer = World::new().post(PATH, order(&vec![ASSET; 10_000])).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["flow_ids"].as_array().unwrap().len(), 10_000);
}

#[tokio::test]
async fn a_list_that_can_not_be_ordered_says_why_and_where() {
    let many = vec![ASSET; 10_001];
    for (urls, code, pointer) in [
        (json!([]), "empty_list", "/digital_asset_urls"),
        (json!(many), "too_many_urls", "/digital_asset_urls"),
        (json!([ASSET, "x"]), "invalid_url", "/digital_asset_urls/1"),
        (json!([ASSET, 5]), "invalid_body", "/digital_asset_urls/1"),
        (json!(ASSET), "invalid_body", "/digital_asset_urls"),
        (
            json!(["ftp://a/b", "https://u:p@a/"]),
            "unsupported_scheme",
            "/digital_asset_urls/0",
        ),
        (Value::Null, "invalid_body", "/digital_asset_urls"),
    ] {
        let world = World::new();
        let body = json!({ "digital_asset_urls": urls }).to_string();
        let answer = world.post(PATH, body).await;
        let expected = (422, code.to_owned(), Some(pointer.to_owned()));
        assert_eq!(answer.problem(), expected);
        assert_eq!(world.messages().await, 0);
    }
}

#[tokio::test]
async fn a_single_url_is_told_where_it_belongs() {
    let body = json!({ "digital_asset_url": ASSET }).to_string();
    let answer = World::new().post(PATH, body).await;
    assert_eq!(answer.problem().2.as_deref(), Some("/digital_asset_url"));
    assert!(answer.detail().contains("digital_asset_urls, a list"));
}
