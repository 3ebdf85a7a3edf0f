//! `assetmill operation try`.

use std::process::Output;

use tempfile::TempDir;

use crate::support::command;
use crate::vendor::{Vendor, catalogue_file, vendor_allow};

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/coffee.jpg");

async fn tried(options: &[&str], key: &str) -> (Output, TempDir) {
    let (_, url) = Vendor::serve().await;
    let catalogue = catalogue_file(&url);
    let path = catalogue.path().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path())
        .current_dir(folder.path())
        .env("VENDOR_KEY", key)
        .args(["--operations", &path])
        .args(["--vendor-allow", vendor_allow(&url)])
        .args(["operation", "try"])
        .args(options)
        .output()
        .await
        .unwrap();
    (output, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_to_and_fro_is_shown_without_secrets() {
    let (output, folder) = tried(&["copy", PHOTO], "open sesame").await;
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{output:?}",
        output = output.stderr
    );
    assert!(shown.starts_with("> POST http://127.0.0.1:"), "{shown}");
    assert!(shown.contains("> x-api-key: ***"), "{shown}");
    assert!(shown.contains("< 200 OK"), "{shown}");
    assert!(shown.contains("/tried/copy.jpg: image/jpeg, "), "{shown}");
    assert!(!shown.contains("open sesame"), "{shown}");
    let made = std::fs::read(folder.path().join("tried/copy.jpg")).unwrap();
    assert_eq!(made, std::fs::read(PHOTO).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_shown_and_is_a_failure() {
    let (output, _folder) = tried(&["copy", PHOTO], "a wrong one").await;
    assert!(!output.status.success());
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("< 403 Forbidden"), "{shown}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("vendor_denied"), "{message}");
    assert!(!message.contains("a wrong one"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transform_takes_parameters_and_a_file_to_write_to() {
    let options = [
        "thumbnail",
        PHOTO,
        "--param",
        "width=64",
        "--output",
        "small.jpg",
    ];
    let (output, folder) = tried(&options, "").await;
    assert!(output.status.success());
    let small = std::fs::read(folder.path().join("small.jpg")).unwrap();
    assert!(small.starts_with(b"\xff\xd8"));

    // Nothing is served meanwhile.
    let sample = "http://127.0.0.1:8000/samples/coffee.jpg";
    let folder = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_assetmill"))
        .arg("--data")
        .arg(folder.path())
        .args(["operation", "try", "thumbnail", sample])
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(folder.path().join("tried/thumbnail.jpg").is_file());

    for (wrong, said) in [
        (
            &["nothing", PHOTO][..],
            "there is no operation nothing; there are copy, copy-again, throttle, thumbnail",
        ),
        (&["thumbnail", "no-such-file"], "no-such-file"),
        (
            &["thumbnail", PHOTO, "--param", "width=0"],
            "--param: width must be",
        ),
        (&["copy", PHOTO], "set the environment variable VENDOR_KEY"),
    ] {
        let (output, _folder) = tried(wrong, "").await;
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(message.contains(said), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
