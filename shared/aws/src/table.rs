//! Rows in DynamoDB: one table, in which every kind of row has keys of its own.
//!
//! | row | `pk` |
//! | --- | --- |
//! | flow | `flow#{flow_id}` |
//! | batch | `batch#{batch_id}` |
//! | the settled flows of a part of a batch | `tally#{batch_id}#{part}` |
//! | remembered work | `work#{work_key}` |
//! | the key of a request | `key#{tenant}#{idempotency_key}` |
//! | the gate of an operation | `gate#{operation}` |
//! | what happened in two hours of a tenant's | `activity#{tenant}#{part}#{shard}` |
//! | the endpoints of a tenant | `webhooks#{tenant}` |
//! | what an endpoint is told | `delivery#{webhook_id}#{delivery_id}` |
//!
//! Two indexes list rows; both are sharded, so that no key takes more writes than a partition does
//! (1,000 a second:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>).

mod activity;
mod change;
mod flows;
mod gates;
mod idempotency;
mod item;
mod keys;
mod listing;
mod many;
mod result_cache;
mod settled;
mod update;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{Clock, Probe, Unavailable};
use async_trait::async_trait;
use jiff::Timestamp;

pub(crate) use keys::names;

use crate::Clients;
use crate::fault::described;
use item::Item;
use settled::Sizes;

/// Rows in one DynamoDB table.
#[derive(Clone)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
    clock: Arc<dyn Clock>,
    retention: Duration,
    sizes: Sizes,
}

/// Flows and batches in a [`Table`].
#[derive(Clone)]
pub struct TableFlows(Table);

/// Keys of requests in a [`Table`].
#[derive(Clone)]
pub struct TableIdempotencyKeys(Table);
/// Gates of operations in a [`Table`].
#[derive(Clone)]
pub struct TableGates(Table);

/// What happened lately in a [`Table`].
#[derive(Clone)]
pub struct TableActivityLog(Table);

/// Endpoints of tenants, and what they are told, in a [`Table`].
#[derive(Clone)]
pub struct TableWebhooks(Table);

/// Remembered work in a [`Table`].
#[derive(Clone)]
pub struct TableResultCache(Table);

impl Table {
    /// The table of this name, whose rows live for `retention`.
    pub fn new(
        clients: &Clients,
        name: impl Into<String>,
        clock: Arc<dyn Clock>,
        retention: Duration,
    ) -> Self {
        Self {
            client: clients.dynamodb.clone(),
            name: name.into(),
            clock,
            retention,
            sizes: Sizes::default(),
        }
    }

    /// Its flows and batches.
    pub fn flows(&self) -> TableFlows {
        TableFlows(self.clone())
    }

    /// Its keys of requests.
    pub fn idempotency_keys(&self) -> TableIdempotencyKeys {
        TableIdempotencyKeys(self.clone())
    }

    /// Its gates of operations.
    pub fn gates(&self) -> TableGates {
        TableGates(self.clone())
    }

    /// Its record of what happened lately.
    pub fn activity_log(&self) -> TableActivityLog {
        TableActivityLog(self.clone())
    }

    /// Its endpoints of tenants, and what they are told.
    pub fn webhooks(&self) -> TableWebhooks {
        TableWebhooks(self.clone())
    }

    /// Its remembered work.
    pub fn result_cache(&self) -> TableResultCache {
        TableResultCache(self.clone())
    }

    /// When a row of something that began at `began` may be deleted, in seconds since 1970: what
    /// DynamoDB's TTL takes
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>).
    fn expires_at(&self, began: Timestamp) -> i64 {
        let seconds = i64::try_from(self.retention.as_secs()).unwrap_or(i64::MAX);
        began.as_second().saturating_add(seconds)
    }

    /// Reads one row as the last answered write left it; `None` if there is none or it expired.
    async fn get(&self, pk: String) -> Result<Option<Item>, Unavailable> {
        let read = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(names::PK, item::text(pk))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable)?;
        Ok(read.item.filter(|row| self.lives(row)))
    }

    /// DynamoDB deletes what expired within days, not at once.
    fn lives(&self, row: &Item) -> bool {
        item::expires_at(row).is_none_or(|end| end > self.clock.now().as_second())
    }
}

#[async_trait]
impl Probe for Table {
    fn dependency(&self) -> &'static str {
        "flows"
    }

    async fn probe(&self) -> Result<(), Unavailable> {
        self.get("probe".to_owned()).await.map(|_| ())
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Unavailable {
    Unavailable::new("flows", described(&error))
}
