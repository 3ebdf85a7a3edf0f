//! Endpoints that are told what happened, by the running program.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use assetmill_core::WebhookSecret;
use axum::Router;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::Program;

/// An endpoint that sends its sender elsewhere the first time, and keeps what it was sent since.
#[derive(Clone)]
struct Endpoint {
    moved: Arc<Mutex<bool>>,
    /// Whether an asset that it hosts comes, or rather that there is none.
    comes: watch::Sender<bool>,
    sent: watch::Sender<Vec<Sent>>,
}

#[derive(Debug, Clone)]
struct Sent {
    headers: HashMap<String, String>,
    body: String,
}

impl Endpoint {
    async fn serve() -> (Self, String) {
        let endpoint = Self {
            moved: Arc::default(),
            comes: watch::Sender::new(false),
            sent: watch::Sender::new(Vec::new()),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/hook", post(take))
            .route("/slow.jpg", get(wait))
            .with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (endpoint, address)
    }

    /// What it was sent, once that is as much as this.
    async fn sent(&self, much: usize) -> Vec<Sent> {
        let mut sent = self.sent.subscribe();
        let enough = sent.wait_for(|sent| sent.len() >= much);
        let patience = std::time::Duration::from_mins(2);
        let sent = tokio::time::timeout(patience, enough).await;
        sent.expect("it was sent nothing").unwrap().clone()
    }
}

async fn wait(State(endpoint): State<Endpoint>) -> StatusCode {
    let mut comes = endpoint.comes.subscribe();
    let _ = comes.wait_for(|comes| *comes).await;
    StatusCode::NOT_FOUND
}

async fn take(State(endpoint): State<Endpoint>, headers: HeaderMap, body: String) -> Response {
    if !std::mem::replace(&mut *endpoint.moved.lock().unwrap(), true) {
        let elsewhere = [(LOCATION, "/elsewhere")];
        return (StatusCode::FOUND, elsewhere).into_response();
    }
    let text = |name: &axum::http::HeaderName| headers[name].to_str().unwrap().to_owned();
    let headers = headers.keys().map(|name| (name.to_string(), text(name)));
    let headers = headers.collect();
    endpoint
        .sent
        .send_modify(|sent| sent.push(Sent { headers, body }));
    (StatusCode::OK, "thank you").into_response()
}

/// Whether it is signed with this secret, as the endpoint would look.
fn is_signed(sent: &Sent, secret: &str) -> bool {
    let secret = WebhookSecret::try_from(secret.to_owned()).unwrap();
    let id = sent.headers["webhook-id"].parse().unwrap();
    let timestamp = sent.headers["webhook-timestamp"].parse().unwrap();
    let timestamp = Timestamp::from_second(timestamp).unwrap();
    let signed = secret.sign(id, timestamp, sent.body.clone());
    let signatures = sent.headers["webhook-signature"].split(' ');
    let mut signatures = signatures.filter(|by| *by == signed.signature);
    signatures.next().is_some()
}

/// The log of an endpoint, once its first entry is as it should be.
async fn log_when(program: &Program, webhook: &Value, enough: impl Fn(&Value) -> bool) -> Value {
    let id = webhook["webhook_id"].as_str().unwrap();
    let path = format!("/api/v2/webhooks/{id}/deliveries");
    let asked = async {
        loop {
            let (status, log) = program.get_json(&path).await;
            assert_eq!(status, StatusCode::OK, "{log}");
            if enough(&log["deliveries"][0]) {
                return log["deliveries"].clone();
            }
        }
    };
    let patience = std::time::Duration::from_mins(2);
    tokio::time::timeout(patience, asked).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_told_of_a_batch_and_again_when_somebody_asks_for_it() {
    let (endpoint, address) = Endpoint::serve().await;
    let options = ["--fetch-allow", &*address];
    let mut program = Program::start_with(&options, &[("ASSETMILL_LOG", "debug")]).await;
    let url = format!("http://{address}/hook?token=hunter2");
    let new = json!({ "url": url, "events": ["batch.completed"] });
    let (status, webhook) = program.post_json("/api/v2/webhooks", &new).await;
    assert_eq!(status, StatusCode::CREATED, "{webhook}");
    let secret = webhook["secret"].as_str().unwrap();
    let coffee = program.url("/samples/coffee.jpg");
    let batch = json!({ "digital_asset_urls": [coffee, coffee], "name": "breakfast" });
    let started = program.start_batch(&batch).await;

    let sent = endpoint.sent(1).await.remove(0);
    assert!(is_signed(&sent, secret), "{sent:?}");
    assert_eq!(sent.headers["content-type"], "application/json");
    let payload: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(payload["type"], "batch.completed");
    assert_eq!(payload["timestamp"], payload["data"]["completed_at"]);
    assert_eq!(payload["data"]["batch_id"], started["batch_id"]);
    assert_eq!(payload["data"]["name"], "breakfast");
    assert_eq!(payload["data"]["status"], "COMPLETED");
    let counts = json!({ "completed": 2, "failed": 0, "cancelled": 0 });
    assert_eq!(payload["data"]["counts"], counts);

    let delivered = |delivery: &Value| delivery["state"] == "DELIVERED";
    let log = log_when(&program, &webhook, delivered).await;
    assert_eq!(log.as_array().unwrap().len(), 1);
    assert_eq!(log[0]["delivery_id"], sent.headers["webhook-id"].as_str());
    assert_eq!(log[0]["payload"], payload);
    let [moved, taken] = &log[0]["attempts"].as_array().unwrap()[..] else {
        panic!("two attempts: {log}");
    };
    assert_eq!(moved["status"], 302);
    let error = moved["error"].as_str().unwrap();
    assert!(error.ends_with("leads to /elsewhere"), "{error}");
    assert_eq!(
        (&taken["status"], &taken["answer"]),
        (&json!(200), &json!("thank you"))
    );

    // By another process, which knows all of this from its folder.
    let said = program.log();
    assert!(said.contains("webhook delivered"), "{said}");
    program.kill().await;
    let program = program.start_again().await;
    let (webhook_id, id) = (&webhook["webhook_id"], &log[0]["delivery_id"]);
    let (webhook_id, id) = (webhook_id.as_str().unwrap(), id.as_str().unwrap());
    let rotate = format!("/api/v2/webhooks/{webhook_id}/rotate");
    let (status, rotated) = program.post_json(&rotate, &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{rotated}");
    let new_secret = rotated["secret"].as_str().unwrap();
    assert_ne!(new_secret, secret);
    let replay = format!("/api/v2/webhooks/{webhook_id}/deliveries/{id}/replay");
    let (status, replayed) = program.post_json(&replay, &json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{replayed}");
    let again = endpoint.sent(2).await.remove(1);
    assert_eq!(again.headers["webhook-id"], sent.headers["webhook-id"]);
    assert_eq!(again.body, sent.body);
    // Until it knows the new one, the endpoint verifies what comes with the old one.
    for secret in [secret, new_secret] {
        assert!(is_signed(&again, secret), "{again:?}");
    }
    assert!(!is_signed(&sent, new_secret));
    let replay =
        format!("/api/v2/webhooks/{webhook_id}/replay?state=DELIVERED&until=2020-01-01T00:00:00Z");
    let (_, none) = program.post_json(&replay, &json!({})).await;
    assert_eq!(none, json!({ "replayed": 0 }));
    let replay = format!(
        "/api/v2/webhooks/{webhook_id}/replay?since={}",
        log[0]["created_at"].as_str().unwrap()
    );
    let (_, one) = program.post_json(&replay, &json!({})).await;
    assert_eq!(one, json!({ "replayed": 1 }));
    let third = endpoint.sent(3).await.remove(2);
    assert_eq!(third.headers["webhook-id"], sent.headers["webhook-id"]);
    let four = |delivery: &Value| delivery["attempts"].as_array().unwrap().len() == 4;
    log_when(&program, &webhook, four).await;

    // Neither is told to whoever reads the log of the program.
    for said in [said, program.log()] {
        for secret in [secret, new_secret] {
            assert!(!said.contains(&secret["whsec_".len()..]));
        }
        assert!(!said.contains("hunter2"));
    }
    let path = format!("/api/v2/webhooks/{webhook_id}");
    let removed = program.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_an_endpoint_of_its_own_that_outlives_a_crash() {
    let (endpoint, address) = Endpoint::serve().await;
    let program = Program::start(&["--fetch-allow", &*address]).await;
    let coffee = program.url("/samples/coffee.jpg");
    let url = format!("http://{address}/hook");
    let batch = json!({
        "digital_asset_urls": [coffee],
        "webhook": { "url": url, "events": ["batch.completed"] },
    });
    let started = program.start_batch(&batch).await;
    let webhook = started["webhook"].clone();
    let secret = webhook["secret"].as_str().unwrap();
    // Sent elsewhere the first time, it is told by another process.
    let tried = |delivery: &Value| delivery["attempts"][0].is_object();
    log_when(&program, &webhook, tried).await;
    let mut program = program;
    program.kill().await;
    let program = program.start_again().await;
    let sent = endpoint.sent(1).await.remove(0);
    assert!(is_signed(&sent, secret), "{sent:?}");
    let payload: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(payload["data"]["batch_id"], started["batch_id"]);
    let delivered = |delivery: &Value| delivery["state"] == "DELIVERED";
    let log = log_when(&program, &webhook, delivered).await;
    assert_eq!(log.as_array().unwrap().len(), 1);
    let id = log[0]["delivery_id"].as_str().unwrap();
    let batch_id = started["batch_id"].as_str().unwrap();
    let replay = format!("/api/v2/webhooks/{batch_id}/deliveries/{id}/replay");
    let (status, replayed) = program.post_json(&replay, &json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{replayed}");
    let again = endpoint.sent(2).await.remove(1);
    assert_eq!(again.body, sent.body);
    let (_, listed) = program.get_json("/api/v2/webhooks").await;
    assert_eq!(listed["webhooks"], json!([]));
}

/// The endpoint of a tenant and that of a batch, of each flow.
#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_ask_for_it_are_told_of_each_flow() {
    let (endpoint, address) = Endpoint::serve().await;
    *endpoint.moved.lock().unwrap() = true;
    let program = Program::start(&["--fetch-allow", &*address]).await;
    let new = |path: &str| {
        let url = format!("http://{address}/hook?{path}");
        json!({ "url": url, "events": ["flow.settled"] })
    };
    program
        .post_json("/api/v2/webhooks", &new("of-tenant"))
        .await;
    let coffee = program.url("/samples/coffee.jpg");
    let none = program.url("/samples/none.jpg");
    let batch = json!({
        "digital_asset_urls": [coffee, none, "ftp://example.com/"],
        "webhook": new("of-batch"),
    });
    let started = program.start_batch(&batch).await;
    let mut told = BTreeMap::<_, Vec<_>>::new();
    for sent in endpoint.sent(6).await {
        let payload: Value = serde_json::from_str(&sent.body).unwrap();
        assert_eq!(payload["type"], "flow.settled");
        let data = &payload["data"];
        assert_eq!(data["batch_id"], started["batch_id"]);
        let place = data["index"].as_u64().unwrap();
        assert_eq!(
            started["flow_ids"][usize::try_from(place).unwrap()],
            data["flow_id"]
        );
        let code = data["error"]["code"].as_str().map(ToOwned::to_owned);
        told.entry(place).or_default().push(code);
    }
    let twice = |code: Option<&str>| vec![code.map(ToOwned::to_owned); 2];
    let expected = [
        (0, twice(None)),
        (1, twice(Some("source_refused"))),
        (2, twice(Some("unsupported_scheme"))),
    ];
    assert_eq!(told, expected.into());

    // And of an operation that is stopped, whoever asks for that.
    let mut of_pause = new("of-pause");
    of_pause["events"] = json!(["operation.paused"]);
    program.post_json("/api/v2/webhooks", &of_pause).await;
    let pause = "/api/v2/operations/thumbnail/pause";
    let (status, paused) = program.post_json(pause, &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{paused}");
    let sent = endpoint.sent(7).await.remove(6);
    let payload: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(payload["type"], "operation.paused");
    assert_eq!(payload["data"]["operation"], "thumbnail");
}

/// While one of its assets does not come.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_asks_for_it_is_told_how_far_a_batch_is() {
    let (endpoint, address) = Endpoint::serve().await;
    *endpoint.moved.lock().unwrap() = true;
    let program = Program::start(&["--fetch-allow", &*address]).await;
    let coffee = program.url("/samples/coffee.jpg");
    let slow = format!("http://{address}/slow.jpg");
    let url = format!("http://{address}/hook");
    let batch = json!({
        "digital_asset_urls": [coffee, slow],
        "webhook": { "url": url, "events": ["batch.progress", "batch.completed"] },
    });
    program.start_batch(&batch).await;
    let sent = endpoint.sent(1).await.remove(0);
    let payload: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(payload["type"], "batch.progress");
    assert_eq!(payload["data"]["status"], "RUNNING");
    assert_eq!(payload["data"]["counts"]["completed"], 1);
    // The asset comes once the endpoint was told.
    endpoint.comes.send_replace(true);
    let told = async {
        let mut much = 2;
        loop {
            let sent = endpoint.sent(much).await.remove(much - 1);
            let payload: Value = serde_json::from_str(&sent.body).unwrap();
            if payload["type"] == "batch.completed" {
                return payload;
            }
            much += 1;
        }
    };
    let payload = told.await;
    assert_eq!(payload["data"]["status"], "PARTIAL");
}

/// One of this machine's own addresses, as an attacker would have it told.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_callers_should_not_reach_is_not_told() {
    let (endpoint, address) = Endpoint::serve().await;
    let program = Program::start(&[]).await;
    let new = json!({ "url": format!("http://{address}/hook"), "events": ["batch.completed"] });
    let (_, webhook) = program.post_json("/api/v2/webhooks", &new).await;
    let coffee = program.url("/samples/coffee.jpg");
    let batch = json!({ "digital_asset_urls": [coffee] });
    program.start_batch(&batch).await;
    let tried = |delivery: &Value| delivery["attempts"][0].is_object();
    let log = log_when(&program, &webhook, tried).await;
    let error = log[0]["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("not public"), "{error}");
    assert_eq!(log[0]["state"], "PENDING");
    assert!(!*endpoint.moved.lock().unwrap());
    assert!(endpoint.sent.borrow().is_empty());
}
