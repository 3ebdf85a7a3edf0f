//! Requests that are refused by their heads, or before their bodies were read.

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::Program;

const KEY: &str = "alice-alice-alice-alice";

/// Sends these bytes and reads until the program ends the connection: the status, and all it answered.
async fn raw(program: &Program, request: impl AsRef<[u8]>) -> (u16, String) {
    let mut stream = program.connect().await;
    stream.write_all(request.as_ref()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

fn get(target: &str, host: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[track_caller]
fn assert_problem(answer: &(u16, String), status: u16, code: &str) {
    assert_eq!(answer.0, status, "{}", answer.1);
    assert!(
        answer.1.contains("application/problem+json"),
        "{}",
        answer.1
    );
    assert!(
        answer.1.contains(&format!("\"code\":\"{code}\"")),
        "{}",
        answer.1
    );
}

/// DNS rebinding: a page of evil.example that lets its name point here is of one origin with it.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "without keys nothing is deployed")]
async fn without_keys_no_foreign_name_is_answered() {
    let program = Program::start(&["--public-url", "http://mill.example/"]).await;
    for target in [
        "/api/v2/batches",
        "/",
        "/docs/",
        "/outputs/local/a.png",
        "/nowhere",
    ] {
        let refused = raw(&program, get(target, "evil.example")).await;
        assert_problem(&refused, 421, "unknown_host");
        assert!(refused.1.contains("--public-url"), "{}", refused.1);
    }
    let absolute = raw(
        &program,
        get("http://evil.example/api/v2/batches", "127.0.0.1"),
    )
    .await;
    assert_problem(&absolute, 421, "unknown_host");
    let twice = get("/api/v2/batches", "127.0.0.1\r\nHost: evil.example");
    assert_problem(&raw(&program, twice).await, 400, "invalid_host");
    for host in ["127.0.0.1:1", "localhost", "mill.example", "[::1]"] {
        assert_eq!(
            raw(&program, get("/api/v2/batches", host)).await.0,
            200,
            "{host}"
        );
    }
    assert_eq!(raw(&program, get("/health", "evil.example")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "API Gateway knows its name")]
async fn with_keys_any_name_is_answered_to_who_has_one() {
    let program = Program::start(&["--api-keys", &format!("alice:{KEY}")]).await;
    let host = format!("evil.example\r\nX-Api-Key: {KEY}");
    assert_eq!(raw(&program, get("/api/v2/batches", &host)).await.0, 200);
    let without = raw(&program, get("/api/v2/batches", "evil.example")).await;
    assert_problem(&without, 401, "unauthorized");
}

#[tokio::test]
async fn an_address_that_others_reach_needs_keys_or_a_word() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let folder = tempfile::tempdir().unwrap();
        let refused = tokio::process::Command::new(env!("CARGO_BIN_EXE_assetmill"))
            .env_clear()
            .args(["--listen", address, "--data"])
            .arg(folder.path().join("data"))
            .output()
            .await
            .unwrap();
        let message = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success(), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        for named in [address, "--open", "--api-keys"] {
            assert!(message.contains(named), "{message}");
        }
        assert!(!folder.path().join("data").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "API Gateway reads requests")]
async fn a_coding_that_is_not_taken_is_a_problem() {
    let program = Program::start(&[]).await;
    for coding in ["gzip, chunked", "chunked\r\nTransfer-Encoding: chunked"] {
        let request = format!(
            "POST /api/v2/transforms HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: {coding}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
        );
        let refused = raw(&program, request).await;
        assert_problem(&refused, 501, "unsupported_transfer_encoding");
    }
}

/// A client that writes its whole body before it reads gets to see why it was refused.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "API Gateway reads requests")]
async fn a_refusal_is_read_however_large_the_body() {
    let program = Program::start(&["--api-keys", &format!("alice:{KEY}")]).await;
    let body = "x".repeat(30 << 20);
    for (line, key, status, code) in [
        (
            "POST /api/v2/transforms",
            "wrong-wrong-wrong",
            401,
            "unauthorized",
        ),
        (
            "POST /api/v1/transform",
            "wrong-wrong-wrong",
            401,
            "unauthorized",
        ),
        ("POST /api/v2/transforms", KEY, 413, "body_too_large"),
        ("POST /nowhere", KEY, 404, "unknown_path"),
        ("PUT /api/v2/transforms", KEY, 405, "method_not_allowed"),
        (
            "POST /api/v2/batches/nonsense/cancel",
            KEY,
            400,
            "invalid_batch_id",
        ),
    ] {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Api-Key: {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_problem(&raw(&program, request).await, status, code);
    }
}

/// It asked first, so it is told before it sends anything.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "API Gateway reads requests")]
async fn who_asks_before_it_sends_is_answered_at_once() {
    let program = Program::start(&["--api-keys", &format!("alice:{KEY}")]).await;
    let request = "POST /api/v2/transforms HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                   Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n";
    let refused = raw(&program, request).await;
    assert_problem(&refused, 401, "unauthorized");
    assert!(!refused.1.contains("100 Continue"), "{}", refused.1);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "outputs are on S3")]
async fn what_is_not_there_is_a_problem_wherever_it_is_not() {
    let program = Program::start(&[]).await;
    let docs = raw(&program, get("/docs/nowhere.js", "localhost")).await;
    assert_problem(&docs, 404, "unknown_path");

    let body = serde_json::json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let (status, results) = program.post_json("/api/v1/transforms", &body).await;
    assert_eq!(status, StatusCode::OK, "{results}");
    let result = &results["flows"][0]["result"];
    let url: url::Url = result["url"].as_str().unwrap().parse().unwrap();
    let target = &url[url::Position::BeforePath..];
    let beyond = raw(&program, get(target, "localhost\r\nRange: bytes=99999999-")).await;
    assert_problem(&beyond, 416, "range_not_satisfiable");
    let there_are = format!("content-range: bytes */{}", result["bytes"]);
    assert!(beyond.1.contains(&there_are), "{}", beyond.1);
    assert!(!beyond.1.contains("immutable"), "{}", beyond.1);
    let changed = "localhost\r\nIf-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT";
    let changed = raw(&program, get(target, changed)).await;
    assert_problem(&changed, 412, "precondition_failed");

    // A link is answered in the spelling that it was given in, and in no other.
    assert_eq!(program.fetch(url.as_str()).await.status(), StatusCode::OK);
    for altered in [
        url.as_str().replace("expires=", "expires=%2B"),
        url.as_str().replace("expires=", "expires=+"),
        format!("{url}&again=1"),
        format!("{url}&expires=1"),
    ] {
        let refused = program.fetch(&altered).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{altered}");
    }
}
