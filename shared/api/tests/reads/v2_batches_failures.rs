//! `GET /api/v2/batches/{batch_id}/failures` and `GET /api/v2/failures`

use assetmill_contract::samples;
use assetmill_core::{Failure, FailureCode, Status};
use serde_json::{Value, json};

use super::world::{ACME, GLOBEX, World, completed, pending};

fn path(batch_id: impl std::fmt::Display, query: &str) -> String {
    format!("/api/v2/batches/{batch_id}/failures{query}")
}

fn failed(code: FailureCode, message: &str) -> Status {
    Status::Failed {
        failure: Failure::transient(code, message),
        settled_at: samples::at(6),
    }
}

fn of_a_day() -> Vec<Status> {
    let too_large = |bytes| {
        let message = format!("the asset has {bytes} bytes; at most 4096 are taken");
        failed(FailureCode::AssetTooLarge, &message)
    };
    vec![
        completed(),
        failed(
            FailureCode::VendorTimeout,
            "the vendor took longer than 30 s",
        ),
        too_large(5_000),
        pending(),
        too_large(700_001),
    ]
}

/// Code, message and count of each group.
fn groups(body: &Value) -> Vec<(Value, Value, Value)> {
    let groups = body["groups"].as_array().unwrap();
    let of = |group: &Value, name: &str| group[name].clone();
    groups
        .iter()
        .map(|group| (of(group, "code"), of(group, "message"), of(group, "count")))
        .collect()
}

#[tokio::test]
async fn failures_that_are_alike_are_one_group() {
    let world = World::new();
    let (batch, flows) = world.batch(&of_a_day()).await;
    let body = world.get(&path(batch.id, "")).await.json();
    let too_large = "the asset has # bytes; at most # are taken";
    let timeout = "the vendor took longer than # s";
    assert_eq!(
        groups(&body),
        [
            (json!("asset_too_large"), json!(too_large), json!(2)),
            (json!("vendor_timeout"), json!(timeout), json!(1)),
        ]
    );
    assert_eq!(body["flow_count"], 3);
    let first = &body["groups"][0];
    assert_eq!(first["operation"], "copy");
    assert_eq!(first["retryable"], true);
    let example = json!({
        "flow_id": flows[2].id.to_string(), "digital_asset_url": flows[2].source.to_string(),
    });
    assert_eq!(first["example"], example);
    assert!(first.get("step").is_none());
}

#[tokio::test]
async fn the_id_of_a_group_means_its_flows_in_every_batch() {
    let world = World::new();
    let (batch, flows) = world.batch(&of_a_day()).await;
    let (other, _) = world.batch(&of_a_day()).await;
    let body = world.get("/api/v2/failures").await.json();
    let ids: Vec<_> = (0..2)
        .map(|group| body["groups"][group]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_ne!(ids[0], ids[1]);
    let of_other = world.get(&path(other.id, "")).await.json();
    assert_eq!(of_other["groups"][0]["id"], ids[0]);
    for (id, count) in [(&ids[0], 2), (&ids[1], 1), (&"0".repeat(16), 0)] {
        let body = world
            .get(&path(batch.id, &format!("?group={id}")))
            .await
            .json();
        assert_eq!(body["flow_count"], count, "{id}");
    }
    let page = format!("/api/v2/batches/{}?group={}", batch.id, ids[1]);
    let page = world.get(&page).await.json();
    assert_eq!(page["flows"].as_array().unwrap().len(), 1);
    assert_eq!(page["flows"][0]["flow_id"], flows[1].id.to_string());
    let wrong = world.get("/api/v2/failures?group=x").await;
    assert_eq!(wrong.problem().1, "invalid_query");
}

#[tokio::test]
async fn a_filter_says_which_failures() {
    let world = World::new();
    let (batch, _) = world.batch(&of_a_day()).await;
    for (query, count) in [
        ("?code=vendor_timeout", 1),
        ("?code=asset_too_large&state=FAILED", 2),
        ("?operation=copy", 3),
        ("?state=COMPLETED", 0),
        ("?state=COMPLETED&code=vendor_timeout", 0),
        ("?operation=other", 0),
        ("?url=EXAMPLE.com/4", 1),
        ("?url=example.org", 0),
        ("?since=2000-01-01T00:00:00Z", 3),
        ("?since=2999-01-01T00:00:00Z", 0),
    ] {
        let body = world.get(&path(batch.id, query)).await.json();
        assert_eq!(body["flow_count"], count, "{query}");
    }
}

#[tokio::test]
async fn what_is_no_filter_is_refused() {
    let world = World::new();
    let (batch, _) = world.batch(&[pending()]).await;
    for (query, hint) in [
        ("?code=nonsense", "vendor_timeout"),
        ("?state=failed", "FAILED"),
        ("?since=yesterday", "RFC 3339"),
        ("?operation=No", "operation"),
        ("?url=", "1 to 200"),
        ("?limit=3", "unknown"),
    ] {
        let answer = world.get(&path(batch.id, query)).await;
        assert_eq!(answer.problem().1, "invalid_query", "{query}");
        let detail = answer.detail();
        assert!(detail.contains(hint), "{query}: {detail}");
    }
}

#[tokio::test]
async fn others_failures_do_not_exist() {
    let world = World::with_keys();
    let (batch, _) = world.batch(&of_a_day()).await;
    let path = path(batch.id, "");
    assert_eq!(world.get_as(ACME, &path).await.status, 200);
    let answer = world.get_as(GLOBEX, &path).await;
    assert_eq!(answer.problem(), (404, "batch_not_found".to_owned(), None));
}

#[tokio::test]
async fn failures_of_all_batches_are_grouped_together() {
    let world = World::new();
    for _ in 0..3 {
        world.batch(&of_a_day()).await;
    }
    let body = world.get("/api/v2/failures").await.json();
    assert_eq!(
        (&body["flow_count"], &body["complete"]),
        (&json!(9), &json!(true))
    );
    let counts: Vec<_> = groups(&body).into_iter().map(|group| group.2).collect();
    assert_eq!(counts, [json!(6), json!(3)]);
    for (query, count) in [
        ("?code=vendor_timeout", 3),
        ("?since=2999-01-01T00:00:00Z", 0),
        ("?since=1999-01-01T00:00:00Z&url=example.com/2", 3),
    ] {
        let body = world.get(&format!("/api/v2/failures{query}")).await.json();
        assert_eq!(body["flow_count"], count, "{query}");
    }
}

#[tokio::test]
async fn of_many_batches_the_latest_are_looked_at() {
    let world = World::new();
    world.batch(&of_a_day()).await;
    for _ in 0..200 {
        world.batch(&[]).await;
    }
    let body = world.get("/api/v2/failures").await.json();
    assert_eq!(
        (&body["flow_count"], &body["complete"]),
        (&json!(0), &json!(false))
    );
}

#[tokio::test]
async fn failures_are_of_their_tenant_alone() {
    let world = World::with_keys();
    world.batch(&of_a_day()).await;
    let of = async |key| world.get_as(key, "/api/v2/failures").await.json()["flow_count"].clone();
    assert_eq!((of(ACME).await, of(GLOBEX).await), (json!(3), json!(0)));
}
