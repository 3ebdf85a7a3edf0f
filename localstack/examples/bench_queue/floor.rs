//! The cheapest loop that moves the same bytes and hashes them: no queue, no rows, no limits, and no more of HTTP than two
//! programs that know each other need. What it can't do faster is the machine's. It keeps products in files, and for what is
//! paid, where it is asked to, two records more: that the call begins, and that its product is kept.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use assetmill_core::Sha256Digest;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::connection::Connection;
use crate::ledger::{Ledger, Told};
use crate::process::{Programs, free_port, ready};
use crate::stub::{Stub, ok};
use crate::{CALLS, FLOWS, Measured, is_wanted, load};

/// What the example is told to be the loop by.
pub(crate) const ARGUMENT: &str = "floor";
/// As many as Assetmill has in the works.
const TOGETHER: usize = 512;
/// As many as Assetmill writes at the same time.
const WRITING: usize = 8;
/// The operation whose products are kept.
const PAID: &str = "paid";
/// The same, with a record before the call and after it.
const RECORDED: &str = "recorded";

pub(crate) async fn measure(stub: &Stub, delay: Duration, folder: &Path) -> Vec<Measured> {
    let port = free_port();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([ARGUMENT, &port.to_string(), &stub.address.to_string()])
        .arg(folder);
    let programs = Programs::start([command]);
    let client = reqwest::Client::new();
    let base = format!("http://127.0.0.1:{port}");
    ready(&client, &format!("{base}/ready")).await;
    let wanted = |(_, what): &(&str, &str)| is_wanted(what);
    let mut all = Vec::new();
    let batches = [
        (PAID, "the cheapest loop, v2"),
        (RECORDED, "the cheapest loop, v2, records"),
    ];
    for (operation, what) in batches.into_iter().filter(wanted) {
        let paths: Vec<_> = (0..FLOWS)
            .map(|flow| format!("/assets/floor-{operation}-{flow}"))
            .collect();
        let before = programs.cpu();
        let begun = Instant::now();
        let done = client
            .post(&base)
            .json(&json!({ "paths": paths, "operation": operation }))
            .send()
            .await
            .unwrap();
        assert_eq!(done.status(), 200);
        all.push(Measured {
            what,
            a_second: FLOWS as f64 / begun.elapsed().as_secs_f64(),
            cpu_each: (programs.cpu() - before) / u32::try_from(FLOWS).unwrap(),
            more: String::new(),
        });
    }
    if delay.is_zero() {
        let calls = [
            ("free", "the cheapest loop, v1 free"),
            (PAID, "the cheapest loop, v1 paid"),
            (RECORDED, "the cheapest loop, v1 paid, records"),
        ];
        for (operation, what) in calls.into_iter().filter(wanted) {
            let before = programs.cpu();
            let went = load::call(port, "/", stub.address, operation).await;
            all.push(Measured {
                what,
                a_second: went.a_second,
                cpu_each: (programs.cpu() - before) / u32::try_from(CALLS).unwrap(),
                more: format!(", p50 {:?}, p99 {:?}", went.p50, went.p99),
            });
        }
    }
    all
}

/// Is the loop, until it is killed.
pub(crate) async fn serve(mut arguments: impl Iterator<Item = String>) {
    let port: u16 = arguments.next().unwrap().parse().unwrap();
    let upstream = arguments.next().unwrap().parse().unwrap();
    let folder = PathBuf::from(arguments.next().unwrap());
    let work = Loop {
        ledger: Ledger::of(&folder),
        pool: Arc::new(Pool {
            upstream,
            idle: Mutex::default(),
        }),
        folder: folder.into(),
        writing: Arc::new(Semaphore::new(WRITING)),
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        let work = work.clone();
        tokio::spawn(async move {
            let mut caller = Connection::new(connection);
            let mut body = Vec::new();
            while caller.message(&mut body).await.is_some() {
                let answer = work.answer(&body).await;
                caller.send(&ok(answer.len()), [&answer, &[]]).await;
            }
        });
    }
}

#[derive(Clone)]
struct Loop {
    pool: Arc<Pool>,
    folder: Arc<Path>,
    writing: Arc<Semaphore>,
    ledger: Ledger,
}

impl Loop {
    async fn answer(&self, body: &[u8]) -> Bytes {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let recorded = asked["operation"] == RECORDED;
        let kept = recorded || asked["operation"] == PAID;
        if let Some(url) = asked["digital_asset_url"].as_str() {
            let path = &url[url.find("/assets").unwrap()..];
            let product = Bytes::from(self.make(path, recorded).await);
            if kept {
                self.keep(product.clone(), recorded).await;
            } else {
                std::hint::black_box(Sha256Digest::of(&product));
            }
            return product;
        }
        let together = Arc::new(Semaphore::new(TOGETHER));
        let mut tasks = tokio::task::JoinSet::new();
        for path in asked["paths"].as_array().into_iter().flatten() {
            let (work, path) = (self.clone(), path.as_str().unwrap().to_owned());
            let turn = together.clone().acquire_owned().await.unwrap();
            tasks.spawn(async move {
                let product = work.make(&path, recorded).await;
                work.keep(product.into(), recorded).await;
                drop(turn);
            });
        }
        tasks.join_all().await;
        Bytes::new()
    }

    /// What was paid for is on the disk before anybody is told.
    async fn keep(&self, product: Bytes, recorded: bool) {
        let turn = self.writing.acquire().await.unwrap();
        let folder = self.folder.clone();
        let kept = tokio::task::spawn_blocking(move || keep(&folder, &product));
        kept.await.unwrap();
        drop(turn);
        if recorded {
            self.ledger.tell(Told::Kept).await;
        }
    }

    async fn make(&self, path: &str, recorded: bool) -> Vec<u8> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: stub\r\n\r\n");
        let asset = self.pool.exchange(&head, &[]).await;
        // Equal work is known by it before anything is paid for.
        std::hint::black_box(Sha256Digest::of(&asset));
        if recorded {
            self.ledger.tell(Told::Begins).await;
        }
        let length = asset.len();
        let head =
            format!("POST /vendor HTTP/1.1\r\nhost: stub\r\ncontent-length: {length}\r\n\r\n");
        self.pool.exchange(&head, &asset).await
    }
}

fn keep(folder: &Path, product: &[u8]) {
    let name = Sha256Digest::of(product).to_string();
    let mut file = File::create(folder.join(name)).unwrap();
    file.write_all(product).unwrap();
    file.sync_all().unwrap();
}

struct Pool {
    upstream: SocketAddr,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    async fn exchange(&self, head: &str, body: &[u8]) -> Vec<u8> {
        let idle = self.idle.lock().unwrap().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::new(TcpStream::connect(self.upstream).await.unwrap()),
        };
        connection.send(head, [body, &[]]).await;
        let mut body = Vec::new();
        let head = connection.message(&mut body).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        self.idle.lock().unwrap().push(connection);
        body
    }
}
