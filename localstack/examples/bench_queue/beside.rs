//! A Redis queue of two workers and `FastAPI`, in Python.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Programs, free_port, ready};
use crate::stub::Stub;
use crate::{CALLS, FLOWS, Measured, load};

pub(crate) async fn measure(
    python: &str,
    stub: &Stub,
    delay: Duration,
    folder: &Path,
) -> Vec<Measured> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bench_queue");
    let (redis_port, port) = (free_port(), free_port());
    let mut redis = Command::new("redis-server");
    redis
        .args(["--port", &redis_port.to_string(), "--bind", "127.0.0.1"])
        // As durable as is said of Redis where that matters.
        .args(["--appendonly", "yes", "--dir"])
        .arg(folder);
    let with_environment = |module: &str, arguments: &[&str]| {
        let mut command = Command::new(python);
        command
            .args(["-m", module])
            .args(arguments)
            .current_dir(&here)
            .env("REDIS", format!("redis://127.0.0.1:{redis_port}"))
            .env("VENDOR", format!("http://{}/vendor", stub.address))
            .env("OUTPUTS", folder);
        command
    };
    let redis = Programs::start([redis]);
    let client = reqwest::Client::new();
    let port_text = port.to_string();
    let programs = Programs::start([
        with_environment(
            "uvicorn",
            &["beside:app", "--port", &port_text, "--log-level", "warning"],
        ),
        with_environment(
            "taskiq",
            &[
                "worker",
                "beside:broker",
                "--workers",
                "2",
                "--log-level",
                "WARNING",
            ],
        ),
    ]);
    let base = format!("http://127.0.0.1:{port}");
    ready(&client, &format!("{base}/ready")).await;
    let cpu = || programs.cpu() + redis.cpu();

    let before = cpu();
    let urls: Vec<_> = (0..FLOWS)
        .map(|flow| format!("http://{}/assets/beside-{flow}", stub.address))
        .collect();
    let begun = Instant::now();
    let batch = client
        .post(format!("{base}/batches"))
        .json(&json!({ "urls": urls }));
    let batch: Value = batch.send().await.unwrap().json().await.unwrap();
    let accepted = begun.elapsed();
    let status = format!("{base}/batches/{}", batch["id"].as_str().unwrap());
    loop {
        let status: Value = client
            .get(&status)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        if status["done"] == FLOWS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed();
    let mut all = vec![Measured {
        what: "Redis queue, two workers",
        a_second: FLOWS as f64 / took.as_secs_f64(),
        cpu_each: (cpu() - before) / u32::try_from(FLOWS).unwrap(),
        more: format!(", accepted after {accepted:?}"),
    }];
    if delay.is_zero() {
        let before = cpu();
        let went = load::call(port, "/transform", stub.address, "free").await;
        all.push(Measured {
            what: "FastAPI, one process",
            a_second: went.a_second,
            cpu_each: (cpu() - before) / u32::try_from(CALLS).unwrap(),
            more: format!(", p50 {:?}, p99 {:?}", went.p50, went.p99),
        });
    }
    all
}
