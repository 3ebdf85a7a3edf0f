//! `assetmill webhook`.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use assetmill_core::WebhookSecret;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout};

use crate::commands::{client, id, json_lines, printed, run};
use crate::support::{Program, client as http};

/// A listener on this machine.
struct Listener {
    child: Child,
    printed: Lines<BufReader<ChildStdout>>,
    // Dropping it would break the pipe.
    _said: Lines<BufReader<ChildStderr>>,
    url: String,
}

impl Listener {
    async fn start(folder: &Path, options: &[&str]) -> Self {
        let arguments = [&["webhook", "listen", "--port", "0", "--json"], options].concat();
        let mut command = client(folder, &arguments);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = said.next_line().await.unwrap().unwrap();
        let url = first.split(' ').nth(2).unwrap().to_owned();
        Self {
            printed: BufReader::new(child.stdout.take().unwrap()).lines(),
            _said: said,
            child,
            url,
        }
    }

    fn address(&self) -> &str {
        self.url.trim_start_matches("http://").trim_end_matches('/')
    }

    async fn heard(&mut self) -> Value {
        let line = self.printed.next_line();
        let line = tokio::time::timeout(std::time::Duration::from_mins(2), line).await;
        serde_json::from_str(&line.unwrap().unwrap().unwrap()).unwrap()
    }
}

async fn keep(State(kept): State<Arc<Mutex<Vec<HeaderMap>>>>, headers: HeaderMap) -> StatusCode {
    kept.lock().unwrap().push(headers);
    StatusCode::ACCEPTED
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_is_handed_on_and_what_is_not_is_refused() {
    let kept = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let router = Router::new()
        .route("/hook", post(keep))
        .with_state(kept.clone());
    let served = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hook = format!("http://{}/hook", served.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(served, router).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    let secret = WebhookSecret::generate();
    let options = ["--forward", &*hook, "--secret", &secret.reveal()];
    let mut listener = Listener::start(folder.path(), &options).await;

    let delivery = "01890a5d-ac96-774b-bcce-b302099a8057";
    let payload = json!({ "type": "batch.completed", "data": {} }).to_string();
    let signed = secret.sign(delivery.parse().unwrap(), Timestamp::now(), payload);
    let send = async |body: String| {
        let request = http().post(format!("{}any/path", listener.url)).body(body);
        request
            .header("webhook-id", delivery)
            .header("webhook-timestamp", signed.timestamp)
            .header("webhook-signature", &signed.signature)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(send(signed.payload.clone()).await, StatusCode::ACCEPTED);
    assert_eq!(send("{}".to_owned()).await, StatusCode::UNAUTHORIZED);
    let heard = listener.heard().await;
    assert_eq!(
        (&heard["verified"], &heard["answered"]),
        (&json!(true), &json!(202))
    );
    assert_eq!(heard["payload"]["type"], "batch.completed");
    let heard = listener.heard().await;
    assert_eq!(
        (&heard["verified"], &heard["answered"]),
        (&json!(false), &json!(401))
    );
    let kept = kept.lock().unwrap().clone();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["webhook-signature"], *signed.signature);
    #[cfg(unix)]
    {
        let pid = listener.child.id().unwrap().to_string();
        let interrupted = tokio::process::Command::new("kill")
            .args(["-INT", &pid])
            .status();
        assert!(interrupted.await.unwrap().success());
        assert_eq!(listener.child.wait().await.unwrap().code(), Some(0));
    }
    let wrong = [
        "webhook",
        "listen",
        "--port",
        "0",
        "--secret",
        "whsec_hunter2",
    ];
    let output = run(folder.path(), &wrong).await;
    printed(&output, 1);
    assert!(
        !String::from_utf8(output.stderr)
            .unwrap()
            .contains("hunter2")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_made_told_told_again_and_removed() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut listener = Listener::start(elsewhere.path(), &[]).await;
    let program = Program::start(&["--fetch-allow", listener.address()]).await;
    let folder = program.folder.path();
    let url = listener.url.clone();
    let added = printed(&run(folder, &["webhook", "add", &url]).await, 0);
    let (endpoint, secret) = added.trim_end().split_once('\n').unwrap();
    let endpoint = endpoint.trim_start_matches("Endpoint  ");
    assert!(secret.starts_with("Secret    whsec_"), "{added}");
    let table = printed(&run(folder, &["webhook", "list"]).await, 0);
    assert!(
        table.lines().nth(1).unwrap().starts_with(endpoint),
        "{table}"
    );
    assert!(table.contains("  batch.completed  "), "{table}");
    assert!(!table.contains("whsec_"));

    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let started = program.start_batch(&body).await;
    let heard = listener.heard().await;
    assert_eq!(
        (&heard["verified"], &heard["answered"]),
        (&json!(false), &json!(204))
    );
    assert_eq!(heard["payload"]["data"]["batch_id"], started["batch_id"]);
    let delivery = id(&heard["webhook_id"]).to_owned();
    let deliveries = async || printed(&run(folder, &["webhook", "deliveries", endpoint]).await, 0);
    while !deliveries().await.contains("  DELIVERED  ") {}
    let log = deliveries().await;
    assert!(log.lines().nth(1).unwrap().starts_with(&delivery), "{log}");
    assert!(log.contains("  1         204  "), "{log}");

    let replay = async |which: &[&str]| {
        run(folder, &[&["webhook", "replay", endpoint], which].concat()).await
    };
    let of_one = format!("{delivery} is to be told again.\n");
    for (which, said) in [
        (&*delivery, &*of_one),
        ("--since=1h", "1 delivery to be told again.\n"),
    ] {
        assert_eq!(printed(&replay(&[which]).await, 0), said);
        assert_eq!(listener.heard().await["webhook_id"], *delivery);
    }
    let none = "0 deliveries to be told again.\n";
    for which in [
        &["--until=1h"][..],
        &["--since=1h", "--until=30m"],
        &["--given-up"],
    ] {
        assert_eq!(printed(&replay(which).await, 0), none, "{which:?}");
    }
    let asked = replay(&["--since=1h", "--dry-run", "--json"]).await;
    let asked = json_lines(&printed(&asked, 0));
    assert_eq!(asked, [json!({ "replayed": 1, "dry_run": true })]);
    for which in [&[][..], &["--dry-run"], &[&*delivery, "--given-up"]] {
        printed(&replay(which).await, 2);
    }
    let of_state = async |state: &str| {
        let options = [
            "webhook",
            "deliveries",
            endpoint,
            "--json",
            "--state",
            state,
        ];
        json_lines(&printed(&run(folder, &options).await, 0)).len()
    };
    assert_eq!(of_state("GIVEN_UP").await, 0);
    while of_state("DELIVERED").await < 1 {}

    let rotated = run(folder, &["webhook", "rotate", endpoint]).await;
    let said = String::from_utf8_lossy(&rotated.stderr).into_owned();
    assert!(said.contains("The one before signs too until 20"), "{said}");
    let rotated = printed(&rotated, 0);
    let (same, new_secret) = rotated.trim_end().split_once('\n').unwrap();
    assert_eq!(same, format!("Endpoint  {endpoint}"));
    assert!(new_secret.starts_with("Secret    whsec_"), "{rotated}");
    assert_ne!(new_secret, secret);

    printed(&run(folder, &["webhook", "remove", endpoint]).await, 0);
    let list = run(folder, &["webhook", "list", "--json"]).await;
    assert!(json_lines(&printed(&list, 0)).is_empty());
    let gone = run(folder, &["webhook", "remove", endpoint]).await;
    printed(&gone, 1);
    assert!(gone.stderr.starts_with(b"assetmill: webhook_not_found: "));
}

/// A server that looks through so much at once, and says where to go on.
async fn in_parts(RawQuery(query): RawQuery) -> String {
    let query = query.unwrap_or_default();
    assert!(query.contains("state=GIVEN_UP"), "{query}");
    let told = if query.contains("cursor=further") {
        json!({ "replayed": 2 })
    } else {
        json!({ "replayed": 1000, "next_cursor": "further" })
    };
    told.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_replays_in_parts_is_replayed_to_the_end() {
    let path = "/api/v2/webhooks/01890a5d-ac96-774b-bcce-b302099a9000/replay";
    let router = Router::new().route(path, post(in_parts));
    let served = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", served.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(served, router).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    let id = "01890a5d-ac96-774b-bcce-b302099a9000";
    let options = ["webhook", "replay", id, "--given-up", "--server", &url];
    let told = printed(&run(folder.path(), &options).await, 0);
    assert_eq!(told, "1002 deliveries to be told again.\n");
}
