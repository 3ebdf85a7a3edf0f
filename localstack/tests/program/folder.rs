//! The data folder is its owner's alone.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use reqwest::StatusCode;
use serde_json::json;

use crate::support::Program;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Every file and folder below, this one included.
fn all_below(path: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![path.to_owned()];
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            found.extend(all_below(&entry.unwrap().path()));
        }
    }
    found
}

#[track_caller]
fn assert_private(folder: &Path) {
    for path in all_below(folder) {
        let found = fs::symlink_metadata(&path).unwrap();
        let expected = if found.is_dir() { 0o700 } else { 0o600 };
        let mode = found.permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "is about the folder")]
async fn others_can_read_nothing_of_it() {
    let program = Program::start(&[]).await;
    let folder = program.folder.path().to_owned();
    let one = json!({ "digital_asset_url": program.url("/samples/coffee.jpg") });
    let answer = program.post("/api/v1/transform", &one).await;
    assert_eq!(answer.status(), StatusCode::OK);
    // SQLite's own files are there while it runs.
    let names: Vec<_> = all_below(&folder);
    for name in [
        "assetmill.db-wal",
        "assetmill.db-shm",
        "signing-key",
        "lock",
    ] {
        assert!(names.contains(&folder.join(name)), "{names:?}");
    }
    assert_private(&folder);
}

/// As an earlier version left it; what is not the program's is left alone.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "is about the folder")]
async fn a_folder_that_was_open_is_closed_at_the_start() {
    let mut program = Program::start(&[]).await;
    let folder = program.folder.path().to_owned();
    let one = json!({ "digital_asset_url": program.url("/samples/coffee.jpg") });
    assert_eq!(
        program.post("/api/v1/transform", &one).await.status(),
        StatusCode::OK
    );
    program.kill().await;
    for path in all_below(&folder) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        set_mode(&path, mode);
    }
    let foreign = folder.join("notes.txt");
    fs::write(&foreign, "mine").unwrap();
    set_mode(&foreign, 0o644);
    let program = program.start_again().await;
    let (status, _) = program.get_json("/health/ready").await;
    assert_eq!(status, StatusCode::OK);
    let mode = fs::metadata(&foreign).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o644);
    fs::remove_file(&foreign).unwrap();
    assert_private(&folder);
}
