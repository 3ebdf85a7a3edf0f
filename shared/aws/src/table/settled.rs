//! Which flows of a batch are settled: sets that only grow, one for each part of the batch, and in
//! the batch's row the set of the parts that are complete. Adding twice changes nothing, so a
//! message that comes again, or a call that the SDK sends again, does no harm.

mod sizes;

use std::collections::BTreeMap;

use assetmill_core::BatchId;
use assetmill_core::ports::{SettledCount, Unavailable};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::item::{self, Item};
use super::{Table, keys, names, unavailable};

pub(super) use sizes::{Size, Sizes};

const PARALLEL: usize = 16;
const SETTLED: &str = "settled";

impl Table {
    /// Notes settled flows; whether that was the last of the batch.
    pub(super) async fn tally_flows(
        &self,
        batch: BatchId,
        indexes: &[u32],
    ) -> Result<SettledCount, Unavailable> {
        let Some(Size {
            flows: size,
            expires_at,
        }) = self.size(batch).await?
        else {
            return Ok(SettledCount::Open);
        };
        let parts: Vec<_> = by_part(indexes).into_iter().collect();
        let complete: Vec<Option<u32>> = stream::iter(parts)
            .map(|(part, indexes)| self.tally_part(batch, size, part, indexes, expires_at))
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        let complete: Vec<_> = complete.into_iter().flatten().collect();
        if complete.is_empty() {
            return Ok(SettledCount::Open);
        }
        let complete = self.add(keys::batch(batch), &complete, expires_at).await?;
        Ok(if complete > keys::tally_part(size - 1) as usize {
            SettledCount::Complete
        } else {
            SettledCount::Open
        })
    }

    async fn size(&self, batch: BatchId) -> Result<Option<Size>, Unavailable> {
        if let Some(known) = self.sizes.get(batch) {
            return Ok(Some(known));
        }
        let row = self.get(keys::batch(batch)).await?;
        let read = row.and_then(|row| {
            Some(Size {
                flows: size(&row)?,
                expires_at: item::expires_at(&row)?,
            })
        });
        if let Some(size) = read {
            self.sizes.remember(batch, size);
        }
        Ok(read)
    }

    /// Notes settled flows of one part; its number, if that was the last of the part.
    async fn tally_part(
        &self,
        batch: BatchId,
        size: u32,
        part: u32,
        indexes: Vec<u32>,
        expires_at: i64,
    ) -> Result<Option<u32>, Unavailable> {
        let settled = self
            .add(keys::count_settled(batch, part), &indexes, expires_at)
            .await?;
        let complete = settled >= keys::indexes_of_part(part, size).len();
        Ok(complete.then_some(part))
    }

    /// Adds numbers to the set of a row; how many it has then.
    async fn add(
        &self,
        pk: String,
        numbers: &[u32],
        expires_at: i64,
    ) -> Result<usize, Unavailable> {
        let numbers = numbers.iter().map(ToString::to_string).collect();
        let added = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(names::PK, item::text(pk))
            .update_expression(
                "ADD settled :numbers \
                 SET expires_at = :expires_at, #version = if_not_exists(#version, :version)",
            )
            .expression_attribute_names("#version", names::VERSION)
            .expression_attribute_values(":numbers", AttributeValue::Ns(numbers))
            .expression_attribute_values(":version", item::version())
            .expression_attribute_values(":expires_at", item::number(expires_at))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(unavailable)?;
        let set = added.attributes.as_ref().and_then(|row| row.get(SETTLED));
        let set = set.map(AttributeValue::as_ns).and_then(Result::ok);
        Ok(set.map_or(0, Vec::len))
    }
}

fn size(row: &Item) -> Option<u32> {
    let size: u32 = row.get("size")?.as_n().ok()?.parse().ok()?;
    (size > 0).then_some(size)
}

fn by_part(indexes: &[u32]) -> BTreeMap<u32, Vec<u32>> {
    let mut parts = BTreeMap::<_, Vec<_>>::new();
    for index in indexes {
        parts
            .entry(keys::tally_part(*index))
            .or_default()
            .push(*index);
    }
    // A set that is given a number twice is refused.
    for part in parts.values_mut() {
        part.sort_unstable();
        part.dedup();
    }
    parts
}
