//! Callers who ask for much and take nothing.
#![cfg(target_os = "linux")]

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::Program;

const ALICE: &str = "alice-alice-alice-alice";
const BOB: &str = "bob-bob-bob-bob-bob-bob";
const RESULTS: &str = "/api/v2/transforms/results";

/// One flow id repeated 10,000 times was an answer of 44 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_repeated_is_answered_once() {
    let program = Program::start(&[]).await;
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let started = program.start_batch(&body).await;
    let id = started["flow_ids"][0].as_str().unwrap();
    let other = "01890a5d-ac96-774b-bcce-b302099a8057";
    let mut ids = vec![id; 999];
    ids.insert(500, other);
    let (status, results) = program.post_json(RESULTS, &json!(ids)).await;
    assert_eq!(status, StatusCode::OK, "{results}");
    let rows = results["flows"].as_array().unwrap();
    let answered: Vec<_> = rows.iter().map(|row| row["flow_id"].as_str()).collect();
    assert_eq!(answered, [Some(id), Some(other)]);
    assert_eq!(results["counts"]["total"], 2);
}

/// What the kernel says of the program, in KiB.
fn resident(pid: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn sockets(pid: u32) -> usize {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    // One that is closed meanwhile is none.
    entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

fn question(key: &str, path: &str, body: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Six thousand flows of the longest URLs, which all fail at once: an answer of 27 MB.
async fn flows_with_long_urls(program: &Program, key: &str) -> Vec<Value> {
    let mut ids = Vec::new();
    for batch in 0..5 {
        let urls: Vec<_> = (0..1_200)
            .map(|n| format!("http://10.0.0.1/{batch}/{n}/{}", "x".repeat(4_000)))
            .collect();
        let request = program
            .request(Method::POST, "/api/v2/transforms")
            .header("x-api-key", key)
            .json(&json!({ "digital_asset_urls": urls }));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let started: Value = answer.json().await.unwrap();
        ids.extend(started["flow_ids"].as_array().unwrap().iter().cloned());
    }
    ids
}

/// Twenty callers who never read a large answer held 2 GB with no end.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "is about a process of the tests")]
async fn who_never_reads_holds_little_and_is_cut_off() {
    let keys = format!("alice:{ALICE},bob:{BOB}");
    let program = Program::start(&["--api-keys", &keys]).await;
    let pid = program.pid();
    let ids = flows_with_long_urls(&program, ALICE).await;
    let body = json!(ids).to_string();
    let request = question(ALICE, RESULTS, &body, body.len());
    let idle = sockets(pid);
    // The peak so far is that of submitting.
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    let before = resident(pid, "VmRSS");

    let mut callers = Vec::new();
    for _ in 0..20 {
        let mut stream = program.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        callers.push(stream);
    }
    // Another is answered meanwhile, until the last of them is cut off.
    loop {
        let request = program
            .request(Method::POST, RESULTS)
            .header("x-api-key", BOB);
        let answer = request.json(&ids[..1]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let open = sockets(pid);
        // His own connection may be kept.
        if open <= idle + 1 {
            break;
        }
    }
    let peak = resident(pid, "VmHWM");
    let grown = peak.saturating_sub(before) / 1024;
    assert!(grown < 160, "{grown} MiB more than before");
    for mut caller in callers {
        let mut rest = Vec::new();
        // It ends early, with a reset or without.
        let _ = caller.read_to_end(&mut rest).await;
        assert!(!rest.ends_with(b"0\r\n\r\n"), "the whole answer was sent");
    }
}

/// A tenant that leaves bodies half sent holds what it sent, and never more than half of all.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "API Gateway reads requests")]
async fn a_tenant_that_fills_its_half_leaves_the_others_theirs() {
    let keys = format!("alice:{ALICE},bob:{BOB}");
    let program = Program::start(&["--api-keys", &keys, "--http-memory", "32 MiB"]).await;
    let whole = 5 << 20;
    let path = "/api/v2/transforms";
    let mut stalled = Vec::new();
    // What is only declared holds nothing.
    for _ in 0..40 {
        let mut stream = program.connect().await;
        let request = question(ALICE, path, "{", whole);
        stream.write_all(request.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    let ask = async |key: &str| {
        let body = " ".repeat(4 << 20);
        let request = program
            .request(Method::POST, path)
            .header("x-api-key", key)
            .header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        let retry_after = answer.headers().get("retry-after").cloned();
        let problem: Value = answer.json().await.unwrap();
        (problem["code"].as_str().unwrap().to_owned(), retry_after)
    };
    assert_eq!(ask(ALICE).await.0, "malformed_json");
    // Whichever comes too late is refused, until what is left is too little for any.
    loop {
        let mut stream = program.connect().await;
        let almost = " ".repeat(whole - 1);
        let request = question(ALICE, path, &almost, whole);
        stream.write_all(request.as_bytes()).await.unwrap();
        stalled.push(stream);
        let (code, retry_after) = ask(ALICE).await;
        if code == "busy" {
            assert_eq!(retry_after.unwrap(), "5");
            break;
        }
        assert_eq!(code, "malformed_json");
    }
    assert_eq!(ask(BOB).await.0, "malformed_json");
}
