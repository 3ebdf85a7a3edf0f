//! The program `emulators`, built and started.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Runs this very test program with the SDK's variables set to emulators, which end with it.
pub(crate) fn run_again_with_emulators() -> ExitStatus {
    let (mut emulators, addresses) = start();
    let address = |name: &str| addresses[name].as_str().expect("it is named").to_owned();
    let run = Command::new(env::current_exe().expect("it runs"))
        .args(env::args_os().skip(1))
        .env("AWS_ENDPOINT_URL_DYNAMODB", address("dynamodb"))
        .env("AWS_ENDPOINT_URL_S3", address("s3"))
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .env_remove("AWS_ENDPOINT_URL")
        .status();
    drop(emulators.stdin.take());
    let ended = emulators.wait();
    assert!(ended.expect("they end").success(), "the emulators failed");
    run.expect("it runs again")
}

fn start() -> (Child, serde_json::Value) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("emulators");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emulators");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status();
    assert!(
        built.expect("cargo runs").success(),
        "the emulators don't build"
    );
    let mut child = Command::new(target.join("debug/emulators"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the emulators start");
    let mut line = String::new();
    let printed = child.stdout.take().expect("it is piped");
    let read = BufReader::new(printed).read_line(&mut line);
    read.expect("they print where they are");
    let addresses = serde_json::from_str(&line).expect("it is JSON");
    (child, addresses)
}
