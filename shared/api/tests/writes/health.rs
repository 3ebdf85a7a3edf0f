//! `GET /`, `GET /health`, `GET /health/ready`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use assetmill_api::writes::Readiness;

use super::world::{Dependency, World};

#[tokio::test]
async fn the_service_says_what_it_is() {
    let answer = World::new().get("/").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["service"], "assetmill");
    assert_eq!(body["status"], "ok");
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(body["docs"], "/docs");
}

#[tokio::test]
async fn nobody_needs_a_key_to_ask_how_the_service_is() {
    for path in ["/", "/health", "/health/ready"] {
        assert_eq!(World::with_keys().get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn it_is_ready_when_every_dependency_answers() {
    let mut world = World::new();
    world.state.readiness = Readiness::new(vec![
        Arc::new(Dependency::Up("flows")),
        Arc::new(Dependency::Up("queue")),
    ]);
    let answer = world.get("/health/ready").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json()["dependencies"],
        serde_json::json!(["flows", "queue"])
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_not_ready_while_a_dependency_does_not_answer() {
    let mut world = World::new();
    world.state.readiness = Readiness::new(vec![
        Arc::new(Dependency::Up("flows")),
        Arc::new(Dependency::Down("queue")),
        Arc::new(Dependency::Silent("outputs")),
        Arc::new(Dependency::Silent("works")),
    ]);
    let started = tokio::time::Instant::now();
    let answer = world.get("/health/ready").await;
    assert_eq!(answer.problem(), (503, "not_ready".to_owned(), None));
    assert_eq!(answer.detail(), "not answering: queue, outputs, works");
    assert_eq!(answer.headers["retry-after"], "5");
    // At the same time, not one after the other.
    assert_eq!(started.elapsed().as_secs(), 2);
    assert_eq!(world.get("/health").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_dependencies_are_asked_once_in_five_seconds() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut world = World::new();
    world.state.readiness = Readiness::new(vec![Arc::new(Dependency::Counts(asked.clone()))]);
    let all = std::iter::repeat_with(|| world.get("/health/ready")).take(100);
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    tokio::time::advance(Duration::from_secs(5)).await;
    world.get("/health/ready").await;
    world.get("/health/ready").await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}
