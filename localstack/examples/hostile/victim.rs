//! The tenant that works: calls of v1 and small batches of v2, again and again.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{Program, VICTIM};

/// What it noticed.
pub(crate) struct Noticed {
    single: Vec<f64>,
    batch: Vec<f64>,
    pub(crate) failed: usize,
}

impl Noticed {
    /// How many times slower the slowest in a hundred are: of v1, and of v2.
    pub(crate) fn ratios(&self, alone: &Self) -> [f64; 2] {
        [
            p99(&self.single) / p99(&alone.single),
            p99(&self.batch) / p99(&alone.batch),
        ]
    }
}

impl fmt::Display for Noticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "v1: {} calls, p99 {:.0} ms; v2: {} batches of 10, p99 {:.0} ms; {} failed",
            self.single.len(),
            p99(&self.single) * 1e3,
            self.batch.len(),
            p99(&self.batch) * 1e3,
            self.failed
        )
    }
}

fn p99(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let place = times.len() * 99 / 100;
    times
        .get(place.min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// No two photographs have the same URL.
static NUMBER: AtomicU32 = AtomicU32::new(0);

fn photograph(origin: &SocketAddr) -> String {
    format!(
        "http://{origin}/photo/{}",
        NUMBER.fetch_add(1, Ordering::Relaxed)
    )
}

/// Calls for so long: one after the other, and beside them one batch after the other.
pub(crate) async fn call_for(time: Duration, program: &Program, origin: &SocketAddr) -> Noticed {
    let end = Instant::now() + time;
    let singles = repeat(end, async || single(program, origin).await);
    let batches = repeat(end, async || batch(program, origin).await == Some(true));
    let ((single, late), (batch, later)) = tokio::join!(singles, batches);
    Noticed {
        single,
        batch,
        failed: late + later,
    }
}

/// The times of what went well, and how often it did not.
async fn repeat(end: Instant, mut call: impl AsyncFnMut() -> bool) -> (Vec<f64>, usize) {
    let (mut times, mut failed) = (Vec::new(), 0);
    while Instant::now() < end {
        let begun = Instant::now();
        if call().await {
            times.push(begun.elapsed().as_secs_f64());
        } else {
            failed += 1;
        }
    }
    (times, failed)
}

/// Small enough sides differ, so that each is made.
fn params() -> Value {
    json!({ "width": 100 + NUMBER.load(Ordering::Relaxed) % 400 })
}

async fn single(program: &Program, origin: &SocketAddr) -> bool {
    let body = json!({ "digital_asset_url": photograph(origin), "params": params() });
    let answer = program.post(VICTIM, "/api/v1/transform", &body).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// Whether all of a batch were made.
async fn batch(program: &Program, origin: &SocketAddr) -> Option<bool> {
    let urls: Vec<_> = (0..10).map(|_| photograph(origin)).collect();
    let body = json!({ "digital_asset_urls": urls, "params": params() });
    let started = program
        .post(VICTIM, "/api/v2/transforms", &body)
        .await
        .ok()?;
    let started: Value = started.json().await.ok()?;
    loop {
        let asked = program
            .post(VICTIM, "/api/v2/transforms/results", &started["flow_ids"])
            .await;
        let results: Value = asked.ok()?.json().await.ok()?;
        if results["status"] != "RUNNING" {
            return Some(results["counts"]["completed"] == 10);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
