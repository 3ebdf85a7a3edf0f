//! Callers who wait for each asset.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpStream;

use crate::connection::Connection;
use crate::{CALLERS, CALLS};

/// Each has its own assets.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// How the calls went.
pub(crate) struct Latencies {
    pub(crate) a_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Has [`CALLERS`] call one after the other, [`CALLS`] times together: POST `path` to this port with the URL of an asset
/// that was never asked for. MUST all be answered with 200.
pub(crate) async fn call(
    port: u16,
    path: &'static str,
    assets: SocketAddr,
    operation: &str,
) -> Latencies {
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let operation = operation.to_owned();
        let each = CALLS / CALLERS;
        tasks.spawn(async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let mut connection = Connection::new(stream);
            let mut content = Vec::new();
            let mut took = Vec::with_capacity(each);
            for call in 0..each {
                let name = format!("{operation}-{run}-{caller}-{call}");
                let body = json!({
                    "digital_asset_url": format!("http://{assets}/assets/{name}"),
                    "operation": operation,
                });
                let body = body.to_string();
                let head = format!(
                    "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\
                     content-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let asked = Instant::now();
                connection.send(&head, [body.as_bytes(), &[]]).await;
                let answer = connection.message(&mut content).await.unwrap();
                took.push(asked.elapsed());
                assert!(
                    answer.starts_with("HTTP/1.1 200"),
                    "{answer}{}",
                    String::from_utf8_lossy(&content)
                );
                assert!(content.starts_with(name.as_bytes()));
            }
            took
        });
    }
    let mut took: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let wall = begun.elapsed();
    took.sort_unstable();
    Latencies {
        a_second: took.len() as f64 / wall.as_secs_f64(),
        p50: took[took.len() / 2],
        p99: took[took.len() * 99 / 100],
    }
}
