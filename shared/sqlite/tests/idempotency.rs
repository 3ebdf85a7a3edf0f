//! Keys of requests take no room for ever, though nothing else expires.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use assetmill_contract::samples::{at, batch};
use assetmill_core::ports::{IdempotencyKeys as _, SystemClock};
use assetmill_core::{IdempotencyKey, KeyClaim, Sha256Digest};
use assetmill_sqlite::Store;
use rusqlite::Connection;

const DAY: i64 = 24 * 60 * 60;

#[tokio::test]
async fn claims_that_expired_are_deleted_by_those_that_come() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Arc::new(SystemClock)).await;
    let store = store.unwrap();
    let keys = store.idempotency_keys();
    let claim = async |number: u32, seconds: i64| {
        let (mut batch, _) = batch(1);
        batch.created_at = at(seconds);
        let fingerprint = Sha256Digest::of(b"what it asks for");
        let key: IdempotencyKey = number.to_string().parse().unwrap();
        let claim = KeyClaim { fingerprint, batch };
        assert_eq!(keys.claim(&key, &claim).await.unwrap(), claim);
    };
    for number in 0..250 {
        claim(number, 0).await;
    }
    claim(1_000, DAY - 1).await;
    let database = Connection::open(folder.path().join("assetmill.db")).unwrap();
    let rows = || -> u32 {
        let sql = "SELECT count(*) FROM idempotency_keys";
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(rows(), 251);
    for number in 2_000..2_003 {
        claim(number, DAY).await;
    }
    assert_eq!(rows(), 4);
}
