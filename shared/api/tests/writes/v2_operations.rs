//! `POST /api/v2/operations/{name}/pause` and `/resume`

use assetmill_api::Operators;

use super::world::{ACME, GLOBEX, World};

const PAUSE: &str = "/api/v2/operations/copy/pause";
const RESUME: &str = "/api/v2/operations/copy/resume";

#[tokio::test]
async fn an_operation_is_stopped_and_goes_on() {
    let world = World::new();
    let paused = world.post(PAUSE, "").await;
    assert_eq!(paused.status, 200);
    let body = paused.json();
    assert_eq!(body["operation"], "copy");
    assert_eq!(body["breaker"]["state"], "paused");
    let reason = body["breaker"]["reason"].as_str().unwrap();
    assert!(reason.contains("an operator stopped it"), "{reason}");
    // Once more changes nothing, not even since when.
    assert_eq!(world.post(PAUSE, "").await.json(), body);
    let resumed = world.post(RESUME, "").await.json();
    assert_eq!(resumed["breaker"], serde_json::json!({ "state": "closed" }));
    assert_eq!(world.post(RESUME, "").await.json(), resumed);
}

#[tokio::test]
async fn what_is_no_operation_can_not_be_stopped() {
    let world = World::new();
    for name in ["nothing", "COPY", "a%20b", "%ff"] {
        let path = format!("/api/v2/operations/{name}/pause");
        let problem = world.post(&path, "").await.problem();
        assert_eq!(problem, (404, "operation_not_found".to_owned(), None));
    }
}

#[tokio::test]
async fn where_there_are_keys_operators_alone_stop_what_all_use() {
    let mut world = World::with_keys();
    world.state.operators = Operators::of(&world.state.callers, Some("acme")).unwrap();
    for path in [PAUSE, RESUME] {
        assert_eq!(world.post(path, "").await.problem().0, 401);
        let other = world.post_as(GLOBEX, path, String::new()).await;
        let refused = (403, "not_an_operator".to_owned(), None);
        assert_eq!(other.problem(), refused);
        assert_eq!(world.post_as(ACME, path, String::new()).await.status, 200);
    }
}
