//! Folders outlive versions.

use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use crate::assets::Assets;
use crate::support::{self, Program};

const SCHEMA_1: &str = include_str!("folders/schema-1.sql");

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("assetmill.db")).unwrap()
}

/// Two flows were completed, one failed, one was cancelled; two ran when the program was killed, and two waited.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "is about the folder")]
async fn what_an_earlier_version_left_is_finished() {
    let assets = Assets::serve().await;
    let folder = tempfile::tempdir().unwrap();
    let dump = SCHEMA_1.replace("{assets}", assets.url("").trim_end_matches('/'));
    database(folder.path()).execute_batch(&dump).unwrap();
    let program = Program::start_on(folder, &["--fetch-allow", &assets.allow()]).await;

    let (_, list) = program.get_json("/api/v2/batches").await;
    let batches = list["batches"].as_array().unwrap();
    let ids: Vec<_> = batches.iter().map(|batch| &batch["batch_id"]).collect();
    let mut ends = Vec::new();
    for id in &ids {
        let batch = program
            .completed(&serde_json::json!({ "batch_id": id }))
            .await;
        let of = |state: &str| batch["counts"][state].as_u64().unwrap();
        ends.push((of("completed"), of("failed"), of("cancelled")));
    }
    // The latest first.
    assert_eq!(ends, [(0, 0, 1), (4, 0, 0), (2, 1, 0)], "{list}");
    // What was finished now has its output.
    let path = format!("/api/v2/batches/{}", ids[1].as_str().unwrap());
    let (_, batch): (_, Value) = program.get_json(&path).await;
    for flow in batch["flows"].as_array().unwrap() {
        let output = program.fetch(flow["result"]["url"].as_str().unwrap()).await;
        assert!(output.status().is_success(), "{flow}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "is about the folder")]
async fn what_a_later_version_left_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    database(folder.path())
        .execute_batch("PRAGMA user_version = 99; CREATE TABLE of_the_future (id INTEGER);")
        .unwrap();
    let output = support::command(folder.path()).output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("schema has version 99"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    let tables =
        database(folder.path())
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0));
    assert_eq!(tables, Ok(1));
}
