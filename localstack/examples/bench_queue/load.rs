//! Callers who wait for each asset.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

/// Each has its own assets.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// How the calls went.
pub(crate) struct Latencies {
    pub(crate) a_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Has so many callers call one after the other, `calls` times together: POST `path` with the URL of an asset that was
/// never asked for. MUST all be answered with 200.
pub(crate) async fn call(
    client: &reqwest::Client,
    url: &str,
    assets: SocketAddr,
    operation: &str,
    callers: usize,
    calls: usize,
) -> Latencies {
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (client, url) = (client.clone(), url.to_owned());
        let operation = operation.to_owned();
        let each = calls / callers;
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(each);
            for call in 0..each {
                let name = format!("{operation}-{run}-{caller}-{call}");
                let body = json!({
                    "digital_asset_url": format!("http://{assets}/assets/{name}"),
                    "operation": operation,
                });
                let asked = Instant::now();
                let answer = client.post(&url).json(&body).send().await.unwrap();
                let status = answer.status();
                let content = answer.bytes().await.unwrap();
                took.push(asked.elapsed());
                assert_eq!(status, 200, "{}", String::from_utf8_lossy(&content));
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
