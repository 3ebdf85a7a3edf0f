//! Hosts of assets are somebody's machines, and what one of them does is not the others' trouble.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::assets::Assets;
use crate::support::Program;

fn flows(results: &Value) -> &[Value] {
    results["flows"].as_array().unwrap()
}

/// It was asked 1,066 times a second.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_refuses_hundreds_of_flows_is_asked_a_handful_of_times_and_then_serves_all() {
    const FLOWS: u32 = 400;
    let assets = Assets::serve().await;
    let options = ["--fetch-allow", &assets.allow(), "--workers", "8"];
    let program = Program::start(&options).await;
    let paths = (0..FLOWS).map(|number| format!("/busy/{number}"));
    let mut body = assets.body(paths);
    body["params"] = json!({ "width": 16 });
    let started = program.start_batch(&body).await;
    let waiting = program
        .results_when(&started, |results| {
            let was_tried = |flow: &Value| flow["error"]["code"] == "source_throttled";
            flows(results).iter().all(was_tried)
        })
        .await;
    // Six at once, for there are eight workers, and one for each rest: 1 s, 2 s, 4 s and so on.
    let asked = assets.asked_in_all("/busy/");
    assert!(asked <= 6 + 10, "asked {asked} times");
    for flow in flows(&waiting) {
        assert_eq!(flow["state"], "PENDING", "{flow}");
        assert!(flow["attempts"].as_u64() <= Some(1), "{flow}");
    }

    assets.recover();
    let results = program.settled(&started).await;
    assert_eq!(
        results["counts"]["completed"], FLOWS,
        "{}",
        results["counts"]
    );
    assert!(flows(&results).iter().all(|flow| flow["attempts"] == 1));
    let asked = assets.asked_in_all("/busy/");
    assert!(asked <= FLOWS + 6 + 16, "asked {asked} times");
}

/// A host that keeps everybody waiting has three of four workers, and the others the fourth.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_host_leaves_workers_to_the_others() {
    let slow = Assets::serve().await;
    let quick = Assets::serve().await;
    let allow = format!("{},{}", slow.allow(), quick.allow());
    let options = ["--fetch-allow", &allow, "--workers", "4"];
    let program = Program::start(&options).await;
    let hanging = (0..40).map(|number| format!("/hang/{number}"));
    let hanging = program.start_batch(&slow.body(hanging)).await;
    let photos = (0..8).map(|number| format!("/photo/{number}"));
    let photos = program.start_batch(&quick.body(photos)).await;
    let results = program.settled(&photos).await;
    assert_eq!(results["counts"]["completed"], 8, "{results}");
    assert!(slow.most_hanging() <= 3, "{} at once", slow.most_hanging());
    // Whoever has no turn uses up no attempt.
    for flow in flows(&program.results(&hanging).await) {
        assert_ne!(flow["state"], "FAILED", "{flow}");
        assert!(flow["attempts"].as_u64() <= Some(2), "{flow}");
    }
}

/// A server that speaks something else than HTTP, and how often it was connected to.
async fn not_http() -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                // Not before it is spoken to: what comes earlier may be lost with the connection.
                let _ = stream.read_u8().await;
                let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
                // Until the other side leaves: a reset would be another failure.
                let _ = stream.read_to_end(&mut Vec::new()).await;
            });
        }
    });
    (address, asked)
}

/// A wrong name kept its caller for 25 s, garbage for 15.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_get_better_soon_is_told_at_once_to_a_caller_who_waits() {
    let (address, asked) = not_http().await;
    let program = Program::start(&["--fetch-allow", "127.0.0.1"]).await;
    // No label of a name has more than 63 characters, so nobody is asked for it.
    let nobody = format!("http://{}.test/a.jpg", "a".repeat(64));
    for (url, said) in [
        (nobody, "not a name that leads anywhere"),
        (format!("http://{address}/a.jpg"), "no answer that is HTTP"),
        (format!("https://{address}/a.jpg"), "no TLS"),
    ] {
        let before = asked.load(Ordering::SeqCst);
        let body = json!({ "digital_asset_url": url });
        let (status, problem) = program.post_json("/api/v1/transform", &body).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
        assert_eq!(problem["code"], "source_unavailable", "{problem}");
        assert_eq!(problem["retryable"], true, "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail}");
        // It is not kept.
        assert!(problem["flow_id"].is_null(), "{problem}");
        let times = asked.load(Ordering::SeqCst) - before;
        assert!(times <= 1, "{url}: asked {times} times");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// A rest that ends after the caller's patience keeps nobody waiting for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_rests_for_longer_than_a_caller_waits_does_not_keep_the_caller() {
    let assets = Assets::serve().await;
    let options = ["--fetch-allow", &assets.allow(), "--answer-within", "50"];
    let program = Program::start(&options).await;
    for path in ["/patience/1", "/photo/1"] {
        let body = json!({ "digital_asset_url": assets.url(path) });
        // Far more than an answer takes, and far less than the caller would wait.
        let answer = program.post_json("/api/v1/transform", &body);
        let (status, problem) = tokio::time::timeout(Duration::from_secs(30), answer)
            .await
            .expect("the caller was kept waiting");
        assert_eq!(status, StatusCode::GATEWAY_TIMEOUT, "{problem}");
        assert_eq!(problem["code"], "still_processing", "{problem}");
    }
    assert_eq!(assets.asked("/patience/1"), 1);
    // The other one was not even asked for, since the whole host rests.
    assert_eq!(assets.asked("/photo/1"), 0);
}
