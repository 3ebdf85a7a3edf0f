//! `assetmill login`, and what it keeps.

use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt as _;

use crate::commands::{client, printed};
use crate::support::Program;

/// Runs a command whose profiles are in a file of this folder, with this on stdin.
async fn run(folder: &Path, arguments: &[&str], typed: &str) -> Output {
    let mut command = client(folder, arguments);
    let mut child = command
        .env("ASSETMILL_PROFILES", folder.join("kept/profiles.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Some commands don't read it.
    let _ = stdin.write_all(typed.as_bytes()).await;
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_once_the_server_takes_it() {
    let key = "alice-alice-alice-alice";
    let program = Program::start(&["--api-keys", &format!("alice:{key}")]).await;
    let url = program.url("/");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let kept = folder.join("kept/profiles.toml");

    let output = run(folder, &["login", &url], "mallory-mallory-mallory\n").await;
    printed(&output, 1);
    assert!(said(&output).starts_with("assetmill: unauthorized: "));
    assert!(!kept.exists());

    let login = ["login", &url, "--profile", "work"];
    let output = run(folder, &login, &format!("{key}\n")).await;
    assert_eq!(printed(&output, 0), "");
    assert!(
        said(&output).contains("--profile work"),
        "{}",
        said(&output)
    );
    assert!(!said(&output).contains(key));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let output = run(folder, &["batches", "--profile", "work"], "").await;
    printed(&output, 0);
    assert_eq!(said(&output), "There are no such batches.\n");
    let output = run(folder, &["batches", "--profile", "home"], "").await;
    printed(&output, 1);
    assert!(
        said(&output).contains("There are: work"),
        "{}",
        said(&output)
    );
    let output = run(folder, &["batches", "--server", &url], "").await;
    printed(&output, 1);
    // What is said on the command line goes before.
    for (name, value, options, code) in [
        ("ASSETMILL_PROFILE", "work", &[][..], 0),
        ("ASSETMILL_PROFILE", "work", &["--server", &url], 1),
        (
            "ASSETMILL_SERVER",
            "http://127.0.0.1:9",
            &["--profile", "work"],
            0,
        ),
        ("ASSETMILL_SERVER", "here", &[], 1),
    ] {
        let mut command = client(folder, &[&["batches"], options].concat());
        command.env("ASSETMILL_PROFILES", &kept).env(name, value);
        printed(&command.output().await.unwrap(), code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_server_is_none() {
    let folder = tempfile::tempdir().unwrap();
    for url in [
        "localhost:8000",
        "ftp://example.com",
        "https://me:pass@example.com",
    ] {
        let output = run(folder.path(), &["login", url], "key\n").await;
        printed(&output, 2);
    }
    let output = run(folder.path(), &["login", "http://127.0.0.1:9"], "key\n").await;
    printed(&output, 1);
    assert!(
        said(&output).contains("does not answer"),
        "{}",
        said(&output)
    );
}
