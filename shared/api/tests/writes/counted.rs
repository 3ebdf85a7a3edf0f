//! What a request did is counted once it is answered, whether rows tell of it or not.

use assetmill_core::ports::ActivityReads as _;
use assetmill_core::{Activity, ActivityInterval};
use serde_json::json;

use super::world::{ASSET, World};

async fn counted(world: &World) -> Activity {
    let since = ActivityInterval::numbered(0);
    let tenant = "default".parse().unwrap();
    let counted = world.activity.activity(&tenant, since).await.unwrap();
    let activities = counted.into_iter().map(|(_, activity)| activity);
    activities.fold(Activity::default(), Activity::and)
}

#[tokio::test]
async fn what_is_answered_at_once() {
    let world = World::new();
    let refused = "ftp://assets.test/a";
    let urls = [ASSET, "https://assets.test/fails/source_not_found", refused];
    let body = json!({ "digital_asset_urls": urls }).to_string();
    let answer = world.post("/api/v1/transforms", body).await;
    assert_eq!(answer.status, 200);
    let expected = Activity {
        completed: 1,
        failed: 2,
        ..Activity::default()
    };
    assert_eq!(counted(&world).await, expected);
}

#[tokio::test]
async fn what_is_cancelled_or_refused_from_the_start() {
    let world = World::new();
    let body = json!({ "digital_asset_urls": [ASSET, "ftp://assets.test/a", ASSET] });
    let started = world.post("/api/v2/transforms", body.to_string()).await;
    let mut expected = Activity {
        failed: 1,
        ..Activity::default()
    };
    assert_eq!(counted(&world).await, expected);
    let batch = started.json()["batch_id"].as_str().unwrap().to_owned();
    let cancel = format!("/api/v2/batches/{batch}/cancel");
    for _ in 0..2 {
        world.post(&cancel, "").await;
        expected.cancelled = 2;
        assert_eq!(counted(&world).await, expected);
    }
}
