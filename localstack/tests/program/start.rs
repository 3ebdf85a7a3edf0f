//! What stops the start, in one clear line.

use std::io::Write as _;

use crate::support::{Program, command};

async fn refused(options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path()).args(options).output().await.unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_broken_catalogue_says_where_it_is_broken() {
    let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    file.write_all(
        b"default = \"thumbnail\"\n\n[operations.thumbnail]\ntransfrom = \"thumbnail\"\n",
    )
    .unwrap();
    let path = file.path().display().to_string();
    let message = refused(&["--operations", &path]).await;
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains(&format!("{path}:4")), "{message}");
    assert!(message.contains("transfrom"), "{message}");
    assert!(message.contains("transform"), "{message}");
}

#[tokio::test]
async fn a_catalogue_that_is_not_there_is_named() {
    let message = refused(&["--operations", "/no/such/operations.toml"]).await;
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("/no/such/operations.toml"), "{message}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_assetmill"))
        .args(["--listen", &address, "--data"])
        .arg(folder.path())
        .output()
        .await
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains(&address), "{message}");
    assert!(message.contains("--listen"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_one_process_at_a_time() {
    let program = Program::start(&[]).await;
    let second = command(program.folder.path()).output().await.unwrap();
    assert!(!second.status.success());
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains("another assetmill"), "{message}");
}

#[tokio::test]
async fn a_mistake_in_the_keys_shows_none_of_them() {
    let message = refused(&[
        "--api-keys",
        "shop:3f0c1e5a9b7d4e62,archive-9d2b7c4f1a6e8035",
    ])
    .await;
    assert!(message.contains("entry 2"), "{message}");
    assert!(!message.contains("3f0c1e5a9b7d4e62"), "{message}");
    assert!(!message.contains("9d2b7c4f1a6e8035"), "{message}");
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    for options in [
        ["--fetch-allow", "not a host!"],
        ["--max-asset-bytes", "many"],
        ["--public-url", "ftp://example.com"],
        ["--api-keys", "nonsense"],
        ["--workers", "0"],
        ["--answer-within", "0"],
    ] {
        let message = refused(&options).await;
        assert!(message.contains(options[0]), "{message}");
    }
}

/// On a machine that has none of what the SDKs look for; and it is not asked of the network.
#[tokio::test]
async fn aws_without_region_or_credentials_says_so_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    metadata.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", metadata.local_addr().unwrap());
    for (region, options, missing) in [
        ("", &["--aws"][..], "AWS_REGION"),
        ("eu-west-1", &["--aws"], "AWS_ACCESS_KEY_ID"),
        ("eu-west-1", &["init"], "AWS_ACCESS_KEY_ID"),
    ] {
        let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_assetmill"));
        program
            .env_clear()
            .env("HOME", folder.path())
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint)
            .args(["--listen", "127.0.0.1:0"])
            .args(options);
        if !region.is_empty() {
            program.env("AWS_REGION", region);
        }
        let output = program.output().await.unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(message.contains(missing), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(metadata.accept().is_err(), "{options:?} asked for metadata");
    }
}
