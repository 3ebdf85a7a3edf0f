//! What the hostile tenant does, all at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::origin::{self, DEAR};
use crate::program::{ECHO, HOSTILE, Program};

/// What the attackers were answered: how often, by attack and status.
pub(crate) type Answers = BTreeMap<(&'static str, u16), u32>;

pub(crate) struct Attackers {
    tasks: JoinSet<()>,
    answers: Arc<Mutex<Answers>>,
}

impl Attackers {
    pub(crate) async fn end(mut self) -> Answers {
        self.tasks.shutdown().await;
        self.answers.lock().unwrap().clone()
    }
}

/// Who attacks, and with what.
#[derive(Clone)]
struct Attacker {
    client: reqwest::Client,
    base: String,
    address: SocketAddr,
    origin: SocketAddr,
    answers: Arc<Mutex<Answers>>,
}

pub(crate) async fn begin(program: &Program, origin: &SocketAddr) -> Attackers {
    let answers = Arc::default();
    let attacker = Attacker {
        client: program.client.clone(),
        base: program.base.clone(),
        address: program.address,
        origin: *origin,
        answers: Arc::clone(&answers),
    };
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        tasks.spawn(attacker.clone().dear_pictures());
    }
    for _ in 0..4 {
        tasks.spawn(attacker.clone().honest_large_pictures());
    }
    let silent = origin::serve_silent().await;
    for _ in 0..50 {
        tasks.spawn(attacker.clone().who_waits_for_an_origin(silent));
    }
    tasks.spawn(attacker.clone().one_id_many_times());
    tasks.spawn(attacker.clone().a_refusing_origin());
    tasks.spawn(attacker.clone().wrong_keys_and_large_bodies());
    tasks.spawn(attacker.clone().readiness());
    let ids = attacker.long_rows().await;
    for _ in 0..20 {
        tasks.spawn(attacker.clone().who_never_reads_rows(ids.clone()));
    }
    for caller in 0..200 {
        tasks.spawn(attacker.clone().who_never_reads_products(caller));
    }
    Attackers { tasks, answers }
}

/// Between two requests of one attacker: what is shown is what each does, and not what a flood of any
/// request does.
const PAUSE: Duration = Duration::from_millis(20);

/// How long callers wait who were told that their asset is late.
const PATIENCE: Duration = Duration::from_secs(1);

impl Attacker {
    fn note(&self, attack: &'static str, status: u16) {
        *self
            .answers
            .lock()
            .unwrap()
            .entry((attack, status))
            .or_default() += 1;
    }

    async fn post(&self, attack: &'static str, path: &str, body: &Value) -> Option<Value> {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .bearer_auth(HOSTILE);
        let answer = request.json(body).send().await.ok()?;
        self.note(attack, answer.status().as_u16());
        let answer = answer.json().await.ok();
        tokio::time::sleep(PAUSE).await;
        answer
    }

    async fn dear_pictures(self) {
        for number in 0_u64.. {
            for (name, operation, params) in [
                (DEAR[0], "resize", json!({ "width": 8192, "enlarge": true })),
                (DEAR[1], "thumbnail", json!({})),
                (DEAR[2], "thumbnail", json!({})),
                (DEAR[3], "inspect", json!({})),
                (
                    DEAR[4],
                    "convert",
                    json!({ "format": "avif", "quality": 100, "max_bytes": 256 }),
                ),
                (
                    DEAR[4],
                    "convert",
                    json!({ "format": "webp", "max_bytes": 256 }),
                ),
                (
                    DEAR[5],
                    "resize",
                    json!({ "width": 8192, "height": 8192, "enlarge": true, "format": "avif" }),
                ),
                (DEAR[6], "optimize", json!({})),
            ] {
                let url = format!("http://{}/dear/{name}?{number}", self.origin);
                let body =
                    json!({ "digital_asset_url": url, "operation": operation, "params": params });
                self.post("dear picture", "/api/v1/transform", &body).await;
            }
        }
    }

    /// More of them at the same time than there are cores, each for seconds.
    async fn honest_large_pictures(self) {
        for number in 0_u64.. {
            let url = format!("http://{}/dear/{}?{number}", self.origin, DEAR[7]);
            let params = json!({ "format": "avif", "quality": 80 });
            let body =
                json!({ "digital_asset_url": url, "operation": "convert", "params": params });
            self.post("large picture", "/api/v1/transform", &body).await;
        }
    }

    /// Callers of v1 whose assets never come.
    async fn who_waits_for_an_origin(self, silent: SocketAddr) {
        for number in 0_u64.. {
            let body = json!({ "digital_asset_url": format!("http://{silent}/{number}") });
            self.post("asset that never comes", "/api/v1/transform", &body)
                .await;
            tokio::time::sleep(PATIENCE).await;
        }
    }

    async fn one_id_many_times(self) {
        let urls = [format!(
            "http://{}/photo/0?{}",
            self.origin,
            "x".repeat(4000)
        )];
        let body = json!({ "digital_asset_urls": urls });
        let started = self
            .post("batch", "/api/v2/transforms", &body)
            .await
            .unwrap_or_default();
        let ids = vec![started["flow_ids"][0].clone(); 10_000];
        loop {
            self.post(
                "one id 10,000 times",
                "/api/v2/transforms/results",
                &json!(ids),
            )
            .await;
        }
    }

    async fn a_refusing_origin(self) {
        let refusing = origin::serve_refusing().await;
        let urls: Vec<_> = (0..2000)
            .map(|number| format!("http://{refusing}/{number}"))
            .collect();
        self.post(
            "2,000 at an origin that refuses",
            "/api/v2/transforms",
            &json!({ "digital_asset_urls": urls }),
        )
        .await;
        std::future::pending::<()>().await;
    }

    async fn wrong_keys_and_large_bodies(self) {
        let body = vec![b' '; 4_000_000];
        loop {
            let request = self.client.post(format!("{}/api/v2/transforms", self.base));
            let answer = request.bearer_auth("wrong").body(body.clone()).send().await;
            self.note(
                "large body, wrong key",
                answer.map_or(0, |answer| answer.status().as_u16()),
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn readiness(self) {
        loop {
            let answer = self
                .client
                .get(format!("{}/health/ready", self.base))
                .send()
                .await;
            self.note(
                "readiness",
                answer.map_or(0, |answer| answer.status().as_u16()),
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The ids of flows whose rows are long.
    async fn long_rows(&self) -> String {
        let urls: Vec<_> = (0..300)
            .map(|number| format!("http://{}/none/{number}?{}", self.origin, "x".repeat(3000)))
            .collect();
        let body = json!({ "digital_asset_urls": urls });
        let started = self.post("batch", "/api/v2/transforms", &body).await;
        started.unwrap_or_default()["flow_ids"].to_string()
    }

    /// Asks for many rows, and reads none.
    async fn who_never_reads_rows(self, ids: String) {
        loop {
            self.ask_and_never_read("/api/v2/transforms/results", &ids)
                .await;
            self.note("rows never read", 0);
        }
    }

    /// Asks for large products, and reads none.
    async fn who_never_reads_products(self, caller: u64) {
        for call in 0.. {
            let url = format!("http://{}/bulk/{}", self.origin, caller * 1_000 + call);
            let order = json!({ "digital_asset_url": url, "operation": ECHO });
            self.ask_and_never_read("/api/v1/transform", &order.to_string())
                .await;
            self.note("product never read", 0);
        }
    }

    async fn ask_and_never_read(&self, path: &str, body: &str) {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {HOSTILE}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let Ok(mut stream) = TcpStream::connect(self.address).await else {
            return;
        };
        let _ = stream.write_all(request.as_bytes()).await;
        // It is closed by the other side, or at the end of the hour.
        let _ = stream.writable().await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}
