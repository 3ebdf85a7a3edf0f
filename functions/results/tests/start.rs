//! How the function starts.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// It shows the catalogue and makes nothing of it.
#[test]
fn no_codec_process_is_started() {
    let runtime = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = runtime.local_addr().unwrap().to_string();
    let mut function = Command::new(env!("CARGO_BIN_EXE_results"))
        .env_clear()
        .envs([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_LAMBDA_FUNCTION_NAME", "results"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_RUNTIME_API", &address),
            ("ASSETMILL_TABLE", "table"),
            ("ASSETMILL_BUCKET", "bucket"),
            ("ASSETMILL_RETENTION_DAYS", "30"),
            ("ASSETMILL_API_KEYS", "shop:3f0c1e5a9b7d4e62"),
        ])
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    // It is ready once it asks for the first event.
    let (asked, _) = runtime.accept().unwrap();
    let mut line = String::new();
    BufReader::new(asked).read_line(&mut line).unwrap();
    assert!(line.contains("/runtime/invocation/next"), "{line}");
    let mut children = String::new();
    for task in std::fs::read_dir(format!("/proc/{}/task", function.id())).unwrap() {
        let of_task = task.unwrap().path().join("children");
        children += &std::fs::read_to_string(of_task).unwrap();
    }
    function.kill().unwrap();
    function.wait().unwrap();
    assert_eq!(children, "");
}
