//! Reading and writing many rows. No call is believed to take everything
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>).

use std::collections::{HashMap, HashSet};

use assetmill_core::ports::Unavailable;
use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::item::{self, Item};
use super::{Table, names, unavailable};
use crate::backoff::Backoff;

/// The most rows of one `BatchGetItem`.
const READ_TOGETHER: usize = 100;
/// The most rows of one `BatchWriteItem`
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>).
const WRITTEN_TOGETHER: usize = 25;
/// How many calls are made at the same time.
const PARALLEL: usize = 16;

impl Table {
    /// The rows with these keys, as the last answered writes left them, by key.
    pub(super) async fn get_many(
        &self,
        pks: impl IntoIterator<Item = String>,
    ) -> Result<HashMap<String, Item>, Unavailable> {
        // A call that names a key twice is refused.
        let pks: Vec<_> = pks
            .into_iter()
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        let calls: Vec<Vec<String>> = pks.chunks(READ_TOGETHER).map(<[_]>::to_vec).collect();
        let rows: Vec<Vec<Item>> = stream::iter(calls)
            .map(|pks| self.get_together(pks))
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        let lives = |row: &Item| self.lives(row);
        let by_key = |row: Item| Some((row.get(names::PK)?.as_s().ok()?.clone(), row));
        Ok(rows
            .into_iter()
            .flatten()
            .filter(lives)
            .filter_map(by_key)
            .collect())
    }

    async fn get_together(&self, pks: Vec<String>) -> Result<Vec<Item>, Unavailable> {
        let keys = pks
            .into_iter()
            .map(|pk| item::named([(names::PK, item::text(pk))]))
            .collect();
        let mut asked = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(unavailable)?;
        let mut rows = Vec::new();
        let mut backoff = Backoff::default();
        loop {
            let read = self
                .client
                .batch_get_item()
                .request_items(&self.name, asked)
                .send()
                .await
                .map_err(unavailable)?;
            let found = read.responses.and_then(|mut all| all.remove(&self.name));
            rows.extend(found.unwrap_or_default());
            let left = read
                .unprocessed_keys
                .and_then(|mut all| all.remove(&self.name));
            match left.filter(|left| !left.keys.is_empty()) {
                None => return Ok(rows),
                Some(left) => asked = left,
            }
            backoff.pause(asked.keys.len()).await.map_err(unavailable)?;
        }
    }

    /// Writes rows.
    pub(super) async fn put_many(&self, rows: Vec<Item>) -> Result<(), Unavailable> {
        let writes: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let put = PutRequest::builder().set_item(Some(row)).build();
                put.map(|put| WriteRequest::builder().put_request(put).build())
            })
            .collect::<Result<_, _>>()
            .map_err(unavailable)?;
        let calls: Vec<_> = writes.chunks(WRITTEN_TOGETHER).map(<[_]>::to_vec).collect();
        stream::iter(calls)
            .map(|writes| self.put_together(writes))
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await
    }

    async fn put_together(&self, mut writes: Vec<WriteRequest>) -> Result<(), Unavailable> {
        let mut backoff = Backoff::default();
        loop {
            let written = self
                .client
                .batch_write_item()
                .request_items(&self.name, writes)
                .send()
                .await
                .map_err(unavailable)?;
            let left = written
                .unprocessed_items
                .and_then(|mut all| all.remove(&self.name));
            match left.filter(|left| !left.is_empty()) {
                None => return Ok(()),
                Some(left) => writes = left,
            }
            backoff.pause(writes.len()).await.map_err(unavailable)?;
        }
    }
}
