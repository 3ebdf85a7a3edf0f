//! What is older than it is to be kept is gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::StatusCode;
use rusqlite::Connection;
use serde_json::json;

use crate::support::Program;

const DAY: Duration = Duration::from_hours(24);

fn outputs(folder: &Path) -> Vec<PathBuf> {
    let tenants = fs::read_dir(folder.join("outputs")).unwrap();
    tenants
        .flat_map(|tenant| fs::read_dir(tenant.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect()
}

/// Makes everything in the folder so much older.
fn age(folder: &Path, by: Duration) {
    let rows = Connection::open(folder.join("assetmill.db")).unwrap();
    let by_milliseconds = i64::try_from(by.as_millis()).unwrap();
    for (table, column) in [
        ("batches", "created_at"),
        ("flows", "created_at"),
        ("works", "made_at"),
    ] {
        let sql = format!("UPDATE {table} SET {column} = {column} - ?1");
        assert_eq!(rows.execute(&sql, [by_milliseconds]), Ok(1), "{table}");
    }
    for file in outputs(folder) {
        let file = fs::File::open(file).unwrap();
        let stored_at = file.metadata().unwrap().modified().unwrap();
        file.set_modified(stored_at - by).unwrap();
    }
}

fn rows_left(folder: &Path) -> u32 {
    let rows = Connection::open(folder.join("assetmill.db")).unwrap();
    rows.busy_timeout(Duration::from_secs(10)).unwrap();
    rows.query_row(
        "SELECT (SELECT count(*) FROM batches) + (SELECT count(*) FROM flows)
            + (SELECT count(*) FROM tallies) + (SELECT count(*) FROM works)",
        [],
        |row| row.get(0),
    )
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "is about the folder")]
async fn what_is_older_than_it_is_kept_is_deleted_and_the_rest_is_not() {
    let mut program = Program::start(&["--retention-days", "30"]).await;
    let folder = program.folder.path().to_owned();
    let urls = json!([program.url("/samples/coffee.jpg")]);
    let started = program
        .start_batch(&json!({ "digital_asset_urls": urls }))
        .await;
    program.completed(&started).await;
    let batch = format!("/api/v2/batches/{}", started["batch_id"].as_str().unwrap());
    assert_eq!(outputs(&folder).len(), 1);

    program.kill().await;
    age(&folder, 29 * DAY);
    let mut program = program.start_again().await;
    let (status, kept) = program.get_json(&batch).await;
    assert_eq!(status, StatusCode::OK);
    let url = kept["flows"][0]["result"]["url"]
        .as_str()
        .unwrap_or_else(|| panic!("{kept:#}"));
    assert_eq!(program.fetch(url).await.status(), StatusCode::OK, "{kept}");

    program.kill().await;
    age(&folder, 2 * DAY);
    let program = program.start_again().await;
    // At once, whether it is deleted yet or not.
    let (status, _) = program.get_json(&batch).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let results = program.results(&started).await;
    assert_eq!(results["counts"]["not_found"], 1, "{results}");
    let deleted = async {
        while rows_left(&folder) > 0 || !outputs(&folder).is_empty() {
            program.get_json("/health").await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_mins(2), deleted).await;
    assert!(in_time.is_ok(), "{} rows are left", rows_left(&folder));
}
