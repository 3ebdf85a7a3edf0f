//! Assetmill.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Programs, free_port, ready};
use crate::stub::Stub;
use crate::{CALLS, FLOWS, Measured, is_wanted, load};

fn catalogue(stub: &Stub) -> String {
    let operation = |name: &str, paid: bool| {
        format!(
            r#"
[operations.{name}]
summary = "Copies"
paid = {paid}
[operations.{name}.vendor]
method = "POST"
url = "http://{}/vendor"
encoding = "raw"
asset = {{ as = "file" }}
result = {{ kind = "body" }}
"#,
            stub.address
        )
    };
    format!(
        "default = \"paid\"\n{}{}",
        operation("paid", true),
        operation("free", false)
    )
}

pub(crate) async fn measure(
    program: &str,
    stub: &Stub,
    delay: Duration,
    folder: &Path,
) -> Vec<Measured> {
    let operations = folder.join("operations.toml");
    std::fs::write(&operations, catalogue(stub)).unwrap();
    let port = free_port();
    let mut command = Command::new(program);
    command
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--fetch-allow", "127.0.0.1", "--vendor-allow", "127.0.0.1"])
        .args(["--origin-connections", "1000", "--origin-rate", "1000000"])
        .arg("--operations")
        .arg(&operations)
        .arg("--data")
        .arg(folder.join("data"));
    let programs = Programs::start([command]);
    let client = reqwest::Client::new();
    let base = format!("http://127.0.0.1:{port}");
    ready(&client, &format!("{base}/health/ready")).await;

    let wanted = |(what, _): &(&str, &str)| is_wanted(what);
    let mut all = Vec::new();
    let batches = [("Assetmill v2 paid", "paid"), ("Assetmill v2 free", "free")];
    for (what, operation) in batches.into_iter().filter(wanted) {
        all.push(batch(&client, &base, stub, &programs, what, operation).await);
    }
    if delay.is_zero() {
        let calls = [("Assetmill v1 free", "free"), ("Assetmill v1 paid", "paid")];
        for (what, operation) in calls.into_iter().filter(wanted) {
            let before = programs.cpu();
            let went = load::call(port, "/api/v1/transform", stub.address, operation).await;
            all.push(Measured {
                what,
                a_second: went.a_second,
                cpu_each: (programs.cpu() - before) / u32::try_from(CALLS).unwrap(),
                more: format!(", p50 {:?}, p99 {:?}", went.p50, went.p99),
            });
        }
    }
    if let Some(last) = all.last_mut() {
        last.more = format!("{}, peak {} MiB", last.more, programs.peak_mib());
    }
    all
}

async fn batch(
    client: &reqwest::Client,
    base: &str,
    stub: &Stub,
    programs: &Programs,
    what: &'static str,
    operation: &str,
) -> Measured {
    let urls: Vec<_> = (0..FLOWS)
        .map(|flow| format!("http://{}/assets/{what}-{flow}", stub.address).replace(' ', "-"))
        .collect();
    let body = json!({ "digital_asset_urls": urls, "operation": operation });
    let (cpu, calls) = (programs.cpu(), stub.calls.load(Ordering::Relaxed));
    let begun = Instant::now();
    let started = client
        .post(format!("{base}/api/v2/transforms"))
        .json(&body)
        .send()
        .await
        .unwrap();
    let started: Value = started.json().await.unwrap();
    let accepted = begun.elapsed();
    // Its counts, and not a hundred rows each time.
    let batch = format!(
        "{base}/api/v2/batches/{}?limit=1",
        started["batch_id"].as_str().unwrap()
    );
    let done = loop {
        let batch: Value = client
            .get(&batch)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        if batch["status"] != "RUNNING" {
            break batch;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let took = begun.elapsed();
    assert_eq!(done["counts"]["completed"], FLOWS, "{done}");
    let called = stub.calls.load(Ordering::Relaxed) - calls;
    assert_eq!(called, FLOWS as u64, "each asset is one call");
    Measured {
        what,
        a_second: FLOWS as f64 / took.as_secs_f64(),
        cpu_each: (programs.cpu() - cpu) / u32::try_from(FLOWS).unwrap(),
        more: format!(", accepted after {accepted:?}"),
    }
}
