//! Endpoints, and what they were told.

use assetmill_api::Operators;
use assetmill_contract::samples;
use assetmill_core::{Counts, TenantId, Webhook, WebhookDelivery};
use http::Method;
use serde_json::{Value, json};

use crate::support;
use crate::world::{ACME, ASSET, GLOBEX, World};

const PATH: &str = "/api/v2/webhooks";
const NOBODYS: &str = "01890a5d-ac96-774b-bcce-b302099a9000";

fn body() -> String {
    json!({ "url": "https://example.com/hook?a=1#top", "events": ["batch.completed"] }).to_string()
}

impl World {
    async fn as_key(&self, key: &str, method: Method, path: &str) -> support::Answer {
        let mut request = support::get(path);
        *request.method_mut() = method;
        request
            .headers_mut()
            .insert("x-api-key", key.parse().unwrap());
        self.ask(request).await
    }

    async fn listed(&self, key: &str) -> Value {
        let answer = self.as_key(key, Method::GET, PATH).await;
        assert_eq!(answer.status, 200);
        answer.json()["webhooks"].clone()
    }

    async fn made(&self, key: &str) -> Value {
        let made = self.post_as(key, PATH, body()).await;
        assert_eq!(made.status, 201, "{:?}", made.json());
        made.json()
    }

    /// Notes that so many batches of acme completed.
    async fn told(&self, batches: usize) {
        let acme: TenantId = "acme".parse().unwrap();
        let port = &self.state.webhooks.webhooks;
        let webhooks: Vec<Webhook> = port.webhooks(&acme).await.unwrap();
        for _ in 0..batches {
            let (batch, _) = samples::batch(1);
            let told = WebhookDelivery::of_completion(&webhooks[0], &batch, Counts::default());
            port.put_deliveries(&[told]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_endpoint_is_made_listed_and_removed() {
    let world = World::with_keys();
    assert_eq!(world.listed(ACME).await, json!([]));
    let mut made = world.made(ACME).await;
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    assert!(secret.as_str().unwrap().starts_with("whsec_"), "{secret}");
    assert_eq!(made["url"], "https://example.com/hook?a=1");
    assert_eq!(made["events"], json!(["batch.completed"]));
    // As it was made, but for the secret.
    assert_eq!(world.listed(ACME).await, json!([made]));
    let path = format!("{PATH}/{}", made["webhook_id"].as_str().unwrap());
    let removed = world.as_key(ACME, Method::DELETE, &path).await;
    assert_eq!(removed.status, 204);
    assert_eq!(world.listed(ACME).await, json!([]));
    let again = world.as_key(ACME, Method::DELETE, &path).await;
    assert_eq!(again.problem(), (404, "webhook_not_found".to_owned(), None));
}

#[tokio::test]
async fn a_new_secret_is_shown_once_and_the_old_one_signs_too_for_a_day() {
    let world = World::with_keys();
    let made = world.made(ACME).await;
    let path = format!("{PATH}/{}/rotate", made["webhook_id"].as_str().unwrap());
    let rotated = world.as_key(ACME, Method::POST, &path).await;
    assert_eq!(rotated.status, 200);
    let mut rotated = rotated.json();
    let secret = rotated.as_object_mut().unwrap().remove("secret").unwrap();
    assert!(secret.as_str().unwrap().starts_with("whsec_"), "{secret}");
    assert_ne!(secret, made["secret"]);
    assert!(rotated["old_secret_until"].is_string());
    assert_eq!(world.listed(ACME).await, json!([rotated]));
    let foreign = world.as_key(GLOBEX, Method::POST, &path).await;
    assert_eq!(
        foreign.problem(),
        (404, "webhook_not_found".to_owned(), None)
    );
    assert_eq!(world.listed(ACME).await, json!([rotated]));
}

#[tokio::test]
async fn what_is_no_endpoint_is_refused() {
    let world = World::new();
    let no_events = json!({ "url": "https://example.com/hook", "events": [] });
    let unknown_event = json!({ "url": "https://example.com/hook", "events": ["flow.eaten"] });
    for (body, code, pointer) in [
        (
            json!({ "url": "example.com", "events": ["batch.completed"] }),
            "invalid_url",
            "/url",
        ),
        (
            json!({ "url": "ftp://example.com/", "events": ["batch.completed"] }),
            "invalid_url",
            "/url",
        ),
        (
            json!({ "url": "http://a:b@example.com/", "events": ["batch.completed"] }),
            "invalid_url",
            "/url",
        ),
        (no_events, "empty_list", "/events"),
        (unknown_event, "invalid_body", "/events/0"),
        (
            json!({ "url": "https://example.com/hook" }),
            "invalid_body",
            "/events",
        ),
    ] {
        let answer = world.post(PATH, body.to_string()).await;
        let expected = (422, code.to_owned(), Some(pointer.to_owned()));
        assert_eq!(answer.problem(), expected, "{body}");
    }
    assert_eq!(world.get(PATH).await.json()["webhooks"], json!([]));
}

#[tokio::test]
async fn the_eleventh_endpoint_is_refused() {
    let world = World::with_keys();
    for _ in 0..10 {
        world.made(ACME).await;
    }
    let refused = world.post_as(ACME, PATH, body()).await;
    assert_eq!(
        refused.problem(),
        (409, "too_many_webhooks".to_owned(), None)
    );
    world.made(GLOBEX).await;
}

#[tokio::test]
async fn the_log_goes_from_page_to_page_and_anything_in_it_can_be_sent_again() {
    let world = World::with_keys();
    let made = world.made(ACME).await;
    let log = format!("{PATH}/{}/deliveries", made["webhook_id"].as_str().unwrap());
    world.told(5).await;
    let mut ids = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = world
            .as_key(ACME, Method::GET, &format!("{log}{query}"))
            .await;
        assert_eq!(page.status, 200);
        let page = page.json();
        for delivery in page["deliveries"].as_array().unwrap() {
            assert_eq!(delivery["state"], "PENDING");
            assert_eq!(delivery["payload"]["type"], "batch.completed");
            ids.push(delivery["delivery_id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => query = format!("?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids.len(), 5);
    assert!(
        ids.is_sorted_by(|earlier, later| earlier > later),
        "{ids:?}"
    );
    let path = format!("{log}/{}/replay", ids[0]);
    let replayed = world.as_key(ACME, Method::POST, &path).await;
    assert_eq!(replayed.status, 202);
    assert_eq!(replayed.json()["delivery_id"], ids[0].as_str());
    assert!(replayed.json()["next_attempt_at"].is_string());
    for id in [NOBODYS, "none"] {
        let path = format!("{log}/{id}/replay");
        let answer = world.as_key(ACME, Method::POST, &path).await;
        assert_eq!(
            answer.problem(),
            (404, "delivery_not_found".to_owned(), None)
        );
    }
}

#[tokio::test]
async fn the_log_is_looked_through_for_what_stands_so() {
    let world = World::with_keys();
    let made = world.made(ACME).await;
    let log = format!("{PATH}/{}/deliveries", made["webhook_id"].as_str().unwrap());
    world.told(1_100).await;
    let acme: TenantId = "acme".parse().unwrap();
    let port = &world.state.webhooks.webhooks;
    let webhooks: Vec<Webhook> = port.webhooks(&acme).await.unwrap();
    let all = port.deliveries(&acme, webhooks[0].id, None, 2_000);
    let mut given_up = Vec::new();
    for delivery in all.await.unwrap().iter().step_by(220) {
        let now = world.state.webhooks.clock.now();
        let ended = delivery.given_up(now);
        assert!(port.replace_delivery(&ended).await.unwrap());
        given_up.push(delivery.id.to_string());
    }
    let page = async |query: &str| {
        let path = format!("{log}?{query}");
        world.as_key(ACME, Method::GET, &path).await.json()
    };
    let mut found = Vec::new();
    let mut query = "state=GIVEN_UP&limit=2".to_owned();
    loop {
        let page = page(&query).await;
        let deliveries = page["deliveries"].as_array().unwrap();
        assert!(deliveries.len() <= 2);
        for delivery in deliveries {
            assert_eq!(delivery["state"], "GIVEN_UP");
            found.push(delivery["delivery_id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => query = format!("state=GIVEN_UP&limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, given_up);
    let none = page("state=DELIVERED").await;
    assert_eq!(none["deliveries"], json!([]));
    let next = none["next_cursor"].as_str().unwrap();
    let rest = page(&format!("state=DELIVERED&cursor={next}")).await;
    assert_eq!(rest, json!({ "deliveries": [] }));
    assert_eq!(page("state=eaten").await["code"], "invalid_query");
}

#[tokio::test]
async fn what_happened_in_a_time_is_told_again() {
    let world = World::with_keys();
    let made = world.made(ACME).await;
    let path = format!("{PATH}/{}/replay", made["webhook_id"].as_str().unwrap());
    world.told(150).await;
    let replayed = async |query: &str| {
        let path = format!("{path}?{query}");
        let answer = world.as_key(ACME, Method::POST, &path).await;
        (answer.status.as_u16(), answer.json())
    };
    let all = "since=2020-01-01T00:00:00Z&until=2120-01-01T00:00:00Z";
    let (status, told) = replayed(all).await;
    assert_eq!((status, &told), (202, &json!({ "replayed": 150 })));
    let (status, told) = replayed(&format!("{all}&state=PENDING&dry_run=true")).await;
    let expected = json!({ "replayed": 150, "dry_run": true });
    assert_eq!((status, &told), (200, &expected));
    for none in [
        "until=2020-01-01T00:00:00Z",
        "since=2120-01-01T00:00:00%2B02:00",
        "state=DELIVERED",
        "state=GIVEN_UP",
    ] {
        assert_eq!(replayed(none).await.1, json!({ "replayed": 0 }), "{none}");
    }
    for (query, status, code) in [
        ("", 422, "nothing_selected"),
        ("dry_run=true", 422, "nothing_selected"),
        ("state=COMPLETED", 400, "invalid_query"),
        ("since=yesterday", 400, "invalid_query"),
        ("state=PENDING&cursor=1", 400, "invalid_query"),
    ] {
        let (answered, problem) = replayed(query).await;
        assert_eq!(
            (answered, &problem["code"]),
            (status, &json!(code)),
            "{query}"
        );
    }
    let path = format!("{path}?state=PENDING");
    let foreign = world.as_key(GLOBEX, Method::POST, &path).await;
    let expected = (404, "webhook_not_found".to_owned(), None);
    assert_eq!(foreign.problem(), expected);
}

const TRANSFORMS: &str = "/api/v2/transforms";

fn order(webhook: &Value) -> Value {
    json!({ "digital_asset_urls": [ASSET], "webhook": webhook })
}

#[tokio::test]
async fn the_endpoint_of_a_batch_is_shown_with_its_secret_and_has_a_log() {
    let world = World::with_keys();
    for _ in 0..10 {
        world.made(ACME).await;
    }
    let asked = json!({ "url": "https://example.com/b", "events": ["batch.completed"] });
    let started = world.post_as(ACME, TRANSFORMS, order(&asked).to_string());
    let started = started.await;
    assert_eq!(started.status, 202, "{:?}", started.json());
    let started = started.json();
    let webhook = &started["webhook"];
    assert_eq!(webhook["webhook_id"], started["batch_id"]);
    assert_eq!(webhook["url"], asked["url"]);
    assert_eq!(webhook["events"], asked["events"]);
    let secret = webhook["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");
    // It is none of the ten.
    assert_eq!(world.listed(ACME).await.as_array().unwrap().len(), 10);

    let path = format!("{PATH}/{}", started["batch_id"].as_str().unwrap());
    let log = format!("{path}/deliveries");
    let of_acme = world.as_key(ACME, Method::GET, &log).await;
    assert_eq!(of_acme.json(), json!({ "deliveries": [] }));
    let rotated = world
        .as_key(ACME, Method::POST, &format!("{path}/rotate"))
        .await;
    assert_ne!(rotated.json()["secret"], webhook["secret"]);
    assert!(rotated.json()["old_secret_until"].is_string());
    for (method, path) in [
        (Method::GET, log.clone()),
        (Method::POST, format!("{path}/rotate")),
        (Method::DELETE, path.clone()),
    ] {
        let foreign = world.as_key(GLOBEX, method, &path).await;
        let expected = (404, "webhook_not_found".to_owned(), None);
        assert_eq!(foreign.problem(), expected, "{path}");
    }
    let removed = world.as_key(ACME, Method::DELETE, &path).await;
    assert_eq!(removed.status, 204);
    // Its log stays as long as the batch.
    assert_eq!(world.as_key(ACME, Method::GET, &log).await.status, 200);
    let without = json!({ "digital_asset_urls": [ASSET] }).to_string();
    let without = world.post_as(ACME, TRANSFORMS, without).await.json();
    assert_eq!(without["webhook"], Value::Null);
    let path = format!("{PATH}/{}", without["batch_id"].as_str().unwrap());
    let none = world
        .as_key(ACME, Method::GET, &format!("{path}/deliveries"))
        .await;
    assert_eq!(none.problem(), (404, "webhook_not_found".to_owned(), None));
}

#[tokio::test]
async fn what_is_sent_again_under_its_key_is_answered_with_the_same_endpoint() {
    let world = World::with_keys();
    let send = async |webhook: Value| {
        let mut request = support::post(TRANSFORMS, order(&webhook).to_string());
        let headers = request.headers_mut();
        headers.insert("x-api-key", ACME.parse().unwrap());
        headers.insert("idempotency-key", "k1".parse().unwrap());
        world.ask(request).await
    };
    let asked = json!({ "url": "https://example.com/b", "events": ["batch.completed"] });
    let first = send(asked.clone()).await;
    assert_eq!(first.status, 202);
    let again = send(asked.clone()).await;
    assert_eq!(again.status, 202);
    assert!(first.json()["webhook"]["secret"].is_string());
    assert_eq!(again.json(), first.json());
    let mut another = asked;
    another["url"] = json!("https://example.com/c");
    let refused = send(another).await;
    assert_eq!(
        refused.problem(),
        (422, "idempotency_key_reused".to_owned(), None)
    );
}

#[tokio::test]
async fn an_endpoint_of_a_batch_that_can_not_be_refuses_the_batch() {
    let world = World::new();
    let with = |field: &str, value: Value| {
        let mut webhook = json!({ "url": "https://example.com/b", "events": ["batch.completed"] });
        webhook[field] = value;
        webhook
    };
    let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for (webhook, code, pointer) in [
        (
            with("url", json!("ftp://a/")),
            "invalid_url",
            "/webhook/url",
        ),
        (with("events", json!([])), "empty_list", "/webhook/events"),
        (
            with("events", json!(["a"])),
            "invalid_body",
            "/webhook/events/0",
        ),
        (
            with("events", json!(["operation.paused"])),
            "invalid_body",
            "/webhook/events",
        ),
        (
            with("secret", json!("hunter2")),
            "invalid_body",
            "/webhook/secret",
        ),
        (
            with("sekret", json!(secret)),
            "invalid_body",
            "/webhook/sekret",
        ),
    ] {
        let answer = world.post(TRANSFORMS, order(&webhook).to_string()).await;
        let expected = (422, code.to_owned(), Some(pointer.to_owned()));
        assert_eq!(answer.problem(), expected, "{webhook}");
        assert!(!answer.detail().contains("hunter2"));
    }
    assert_eq!(world.batches().await, 0);
    let given = with("secret", json!(secret));
    let started = world.post(TRANSFORMS, order(&given).to_string()).await;
    assert_eq!(started.json()["webhook"]["secret"], secret);
}

#[tokio::test]
async fn endpoints_of_all_tenants_that_ask_for_it_are_told_once_of_a_pause() {
    let mut world = World::with_keys();
    world.state.operators = Operators::of(&world.state.callers, Some("acme")).unwrap();
    let mut logs = Vec::new();
    for (key, event) in [
        (ACME, "operation.paused"),
        (GLOBEX, "operation.paused"),
        (GLOBEX, "batch.completed"),
    ] {
        let body = json!({ "url": "https://example.com/", "events": [event] }).to_string();
        let made = world.post_as(key, PATH, body).await.json();
        let id = made["webhook_id"].as_str().unwrap().to_owned();
        logs.push((key, event, format!("{PATH}/{id}/deliveries")));
    }
    for _ in 0..2 {
        let pause = "/api/v2/operations/copy/pause";
        let paused = world.post_as(ACME, pause, String::new()).await;
        assert_eq!(paused.status, 200);
    }
    let resume = "/api/v2/operations/copy/resume";
    world.post_as(ACME, resume, String::new()).await;
    for (key, event, path) in logs {
        let log = world.as_key(key, Method::GET, &path).await.json();
        let log = log["deliveries"].as_array().unwrap();
        assert_eq!(log.len(), usize::from(event == "operation.paused"));
        for delivery in log {
            assert_eq!(delivery["event"], event);
            assert_eq!(delivery["payload"]["data"]["operation"], "copy");
            let at = &delivery["payload"]["data"]["paused_at"];
            assert_eq!(at, &delivery["payload"]["timestamp"]);
        }
    }
}

#[tokio::test]
async fn one_tenant_never_sees_anothers_endpoints() {
    let world = World::with_keys();
    let made = world.made(ACME).await;
    world.told(1).await;
    let path = format!("{PATH}/{}", made["webhook_id"].as_str().unwrap());
    let log = world
        .as_key(ACME, Method::GET, &format!("{path}/deliveries"))
        .await;
    let id = log.json()["deliveries"][0]["delivery_id"].clone();
    let replay = format!("{path}/deliveries/{}/replay", id.as_str().unwrap());
    assert_eq!(world.listed(GLOBEX).await, json!([]));
    for (method, path) in [
        (Method::DELETE, path.clone()),
        (Method::GET, format!("{path}/deliveries")),
        (Method::POST, replay),
        (Method::GET, format!("{PATH}/{NOBODYS}/deliveries")),
        (Method::GET, format!("{PATH}/none/deliveries")),
    ] {
        let answer = world.as_key(GLOBEX, method.clone(), &path).await;
        let expected = (404, "webhook_not_found".to_owned(), None);
        assert_eq!(answer.problem(), expected, "{method} {path}");
    }
    assert_eq!(world.listed(ACME).await.as_array().unwrap().len(), 1);
}
