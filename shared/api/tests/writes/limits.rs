//! What one tenant may have, and what becomes of what goes beyond it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_api::{CallerTable, Callers, CallersSource, KeyDigest};
use assetmill_contract::samples::at;
use assetmill_core::ports::Unavailable;
use async_trait::async_trait;
use http::StatusCode;
use serde_json::json;

use crate::support::Answer;
use crate::world::{ACME, ASSET, GLOBEX, World};

const BATCHES: &str = "/api/v2/transforms";

/// A file in which ACME has these limits, and GLOBEX none of its own.
fn callers(limits: &str) -> String {
    let key = |tenant: &str, key: &str| {
        let digest = KeyDigest::of(key);
        format!("[[tenants.{tenant}.keys]]\nname = \"key\"\nsha256 = \"{digest}\"\n")
    };
    let limits = format!("[tenants.acme.limits]\n{limits}\n");
    limits + &key("acme", ACME) + &key("globex", GLOBEX)
}

fn world(limits: &str) -> World {
    let mut world = World::new();
    world.state.callers = CallerTable::parse(&callers(limits)).unwrap().into();
    world
}

async fn start(world: &World, key: &str, assets: usize) -> Answer {
    let body = json!({ "digital_asset_urls": vec![ASSET; assets] }).to_string();
    world.post_as(key, BATCHES, body).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let value = answer.headers.get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn requests_above_the_rate_are_refused_until_it_allows_more() {
    let world = world("requests_per_second = 0.5\nburst = 2");
    let first = start(&world, ACME, 1).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let policy = header(&first, "ratelimit-policy");
    assert!(policy.starts_with("\"requests\";q=2;w=4"), "{policy}");
    let left = header(&first, "ratelimit");
    assert!(left.starts_with("\"requests\";r=1;t=2"), "{left}");
    assert_eq!(start(&world, ACME, 1).await.status, StatusCode::ACCEPTED);
    let refused = start(&world, ACME, 1).await;
    assert_eq!(refused.problem(), (429, "rate_limited".to_owned(), None));
    assert_eq!(header(&refused, "retry-after"), "2");
    assert_eq!(header(&refused, "ratelimit"), "\"requests\";r=0;t=4");
    // What one tenant spends is no other's.
    assert_eq!(start(&world, GLOBEX, 1).await.status, StatusCode::ACCEPTED);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(start(&world, ACME, 1).await.status, StatusCode::ACCEPTED);
    assert_eq!(world.messages().await, 4);
}

/// The body is no JSON, and nobody comes to see that.
#[tokio::test(start_paused = true)]
async fn a_request_above_the_rate_is_refused_unread() {
    let world = world("requests_per_second = 1");
    let answer = world.post_as(ACME, BATCHES, "{".to_owned()).await;
    assert_eq!(answer.problem().1, "malformed_json");
    let answer = world.post_as(ACME, BATCHES, "{".to_owned()).await;
    assert_eq!(answer.problem().1, "rate_limited");
}

#[tokio::test]
async fn what_needs_no_key_has_no_rate() {
    let world = world("requests_per_second = 1");
    for _ in 0..5 {
        let answer = world.get("/health").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(header(&answer, "ratelimit"), "");
    }
}

#[tokio::test]
async fn flows_beyond_those_that_may_be_open_are_refused() {
    let world = world("open_flows = 10");
    let first = start(&world, ACME, 7).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let policy = header(&first, "ratelimit-policy");
    assert_eq!(policy, "\"open-flows\";q=10;qu=\"flows\"");
    assert_eq!(header(&first, "ratelimit"), "\"open-flows\";r=3");
    let refused = start(&world, ACME, 4).await;
    assert_eq!(refused.problem().1, "too_many_open_flows");
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&refused, "retry-after"), "10");
    assert_eq!(header(&refused, "ratelimit"), "\"open-flows\";r=3");
    assert!(
        refused.detail().contains("7 of your flows"),
        "{}",
        refused.detail()
    );
    // Nothing of it was accepted, nor is it another's matter.
    assert_eq!(start(&world, ACME, 3).await.status, StatusCode::ACCEPTED);
    assert_eq!(start(&world, GLOBEX, 50).await.status, StatusCode::ACCEPTED);
    assert_eq!(world.messages().await, 60);
    // One that is answered at once is open for nobody else.
    let body = json!({ "digital_asset_url": ASSET }).to_string();
    let answered = world.post_as(ACME, "/api/v1/transform", body).await;
    assert_eq!(answered.status, StatusCode::OK);
}

#[tokio::test]
async fn a_batch_that_completes_makes_room() {
    let world = world("open_flows = 5");
    let started = start(&world, ACME, 5).await.json();
    assert_eq!(start(&world, ACME, 1).await.status.as_u16(), 429);
    let batch = started["batch_id"].as_str().unwrap().parse().unwrap();
    let flows = &world.state.submit.flows;
    flows.mark_completed(batch, at(1)).await.unwrap();
    assert_eq!(start(&world, ACME, 5).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn of_two_who_ask_for_the_same_room_one_gets_it() {
    let world = world("open_flows = 10");
    let (a, b) = tokio::join!(start(&world, ACME, 6), start(&world, ACME, 6));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 429]);
}

#[tokio::test]
async fn what_failed_needs_room_to_run_again() {
    let world = world("open_flows = 3").keeping();
    let failing = vec!["https://assets.test/fails/source_not_found"; 2];
    let body = json!({ "digital_asset_urls": failing }).to_string();
    let failed = world.post_as(ACME, "/api/v1/transforms", body).await.json();
    let retry = format!(
        "/api/v2/batches/{}/retry",
        failed["batch_id"].as_str().unwrap()
    );
    assert_eq!(start(&world, ACME, 2).await.status, StatusCode::ACCEPTED);
    let refused = world.post_as(ACME, &retry, String::new()).await;
    assert_eq!(refused.problem().1, "too_many_open_flows");
    let own = world.post_as(GLOBEX, &retry, String::new()).await;
    assert_eq!(own.problem().1, "batch_not_found");
}

#[tokio::test]
async fn a_batch_is_no_larger_than_its_tenant_may_have() {
    for limits in ["batch_size = 2", "open_flows = 2"] {
        let world = world(limits);
        assert_eq!(start(&world, ACME, 2).await.status, StatusCode::ACCEPTED);
        for path in [BATCHES, "/api/v1/transforms"] {
            let body = json!({ "digital_asset_urls": vec![ASSET; 3] }).to_string();
            let refused = world.post_as(ACME, path, body).await;
            let pointer = Some("/digital_asset_urls".to_owned());
            let problem = (422, "too_many_urls".to_owned(), pointer);
            assert_eq!(refused.problem(), problem);
            assert!(
                refused.detail().contains("may have 2"),
                "{}",
                refused.detail()
            );
        }
    }
}

/// A file that a test changes.
#[derive(Clone)]
struct File(Arc<Mutex<Option<String>>>);

impl File {
    fn write(&self, text: Option<String>) {
        *self.0.lock().unwrap() = text;
    }
}

#[async_trait]
impl CallersSource for File {
    async fn read(&self) -> Result<String, Unavailable> {
        let text = self.0.lock().unwrap().clone();
        text.ok_or_else(|| Unavailable::new("callers", "it is gone"))
    }
}

#[tokio::test(start_paused = true)]
async fn callers_are_read_again() {
    let file = File(Arc::default());
    let mut world = World::new();
    world.state.callers = Callers::kept(Box::new(file.clone()), Duration::from_secs(1));
    let status = async || start(&world, ACME, 1).await.status.as_u16();
    // Until they were read once, nobody is let in, and nobody is told that a key is wrong.
    assert_eq!(status().await, 503);
    file.write(Some(callers("")));
    assert_eq!(status().await, 202);
    file.write(Some(callers("") + "revoked = true"));
    assert_eq!(start(&world, GLOBEX, 1).await.status.as_u16(), 202);
    tokio::time::advance(Duration::from_secs(1)).await;
    let refused = start(&world, GLOBEX, 1).await;
    assert_eq!(refused.problem().1, "unauthorized");
    assert!(refused.detail().contains("revoked"), "{}", refused.detail());
    // What is broken, or gone, changes nothing.
    for text in [Some("[tenants".to_owned()), None] {
        file.write(text);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(status().await, 202);
        assert_eq!(start(&world, GLOBEX, 1).await.status.as_u16(), 401);
    }
    file.write(Some(callers("requests_per_second = 1")));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(status().await, 202);
    assert_eq!(status().await, 429);
}
