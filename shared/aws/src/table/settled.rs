//! Which flows of a batch are settled: sets that only grow, one for each part of the batch, and in
//! the batch's row the set of the parts that are complete. Adding twice changes nothing, so a
//! message that comes again, or a call that the SDK sends again, does no harm. How they ended stands in more sets, and
//! in the batch's row as a text for each complete part, so that whoever reads the row knows the counts.

mod sizes;

use std::collections::BTreeMap;

use assetmill_core::ports::{SettledCount, Unavailable};
use assetmill_core::{BatchId, Counts, FlowState, SettledFlow};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::item::{self, Item};
use super::{Table, keys, names, unavailable};

pub(super) use sizes::{Size, Sizes};

const PARALLEL: usize = 16;
const SETTLED: &str = "settled";
/// The sets of those that ended so.
const BY_STATE: [(&str, FlowState); 3] = [
    ("completed", FlowState::Completed),
    ("failed", FlowState::Failed),
    ("cancelled", FlowState::Cancelled),
];
/// The set of what is known of each part that is complete, in the row of a batch.
const OUTCOMES: &str = "outcomes";

impl Table {
    /// Notes settled flows; whether that was the last of the batch.
    pub(super) async fn tally_flows(
        &self,
        batch: BatchId,
        settled: &[SettledFlow],
    ) -> Result<SettledCount, Unavailable> {
        let Some(Size {
            flows: size,
            expires_at,
        }) = self.size(batch).await?
        else {
            return Ok(SettledCount::Open);
        };
        let parts: Vec<_> = by_part(settled).into_iter().collect();
        let complete: Vec<Option<CompletePart>> = stream::iter(parts)
            .map(|(part, settled)| self.tally_part(batch, size, part, settled, expires_at))
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        let complete: Vec<_> = complete.into_iter().flatten().collect();
        if complete.is_empty() {
            return Ok(SettledCount::Open);
        }
        let parts = complete.iter().map(|part| part.number.to_string());
        let mut sets = vec![(SETTLED, AttributeValue::Ns(parts.collect()))];
        let outcomes: Vec<_> = complete.iter().filter_map(CompletePart::outcome).collect();
        if !outcomes.is_empty() {
            sets.push((OUTCOMES, AttributeValue::Ss(outcomes)));
        }
        let row = self.add(keys::batch(batch), sets, expires_at).await?;
        Ok(
            if len(&row, SETTLED) > keys::tally_part(size - 1) as usize {
                SettledCount::Complete
            } else {
                SettledCount::Open
            },
        )
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

    /// Notes settled flows of one part; what is known of it, if that was the last of it.
    async fn tally_part(
        &self,
        batch: BatchId,
        size: u32,
        part: u32,
        settled: BTreeMap<u32, FlowState>,
        expires_at: i64,
    ) -> Result<Option<CompletePart>, Unavailable> {
        let numbers = |state: Option<FlowState>| {
            let of_state = settled
                .iter()
                .filter(|(_, found)| state.is_none_or(|state| **found == state));
            AttributeValue::Ns(of_state.map(|(index, _)| index.to_string()).collect())
        };
        let mut sets = vec![(SETTLED, numbers(None))];
        for (name, state) in BY_STATE {
            // An empty set is none.
            if settled.values().any(|found| *found == state) {
                sets.push((name, numbers(Some(state))));
            }
        }
        let row = self
            .add(keys::count_settled(batch, part), sets, expires_at)
            .await?;
        let complete = len(&row, SETTLED) >= keys::indexes_of_part(part, size).len();
        Ok(complete.then(|| CompletePart {
            number: part,
            settled: len(&row, SETTLED),
            by_state: BY_STATE.map(|(name, _)| len(&row, name)),
        }))
    }

    /// Adds to the sets of a row; the row then.
    async fn add(
        &self,
        pk: String,
        sets: Vec<(&'static str, AttributeValue)>,
        expires_at: i64,
    ) -> Result<Item, Unavailable> {
        let added: Vec<_> = sets
            .iter()
            .map(|(name, _)| format!("{name} :{name}"))
            .collect();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(names::PK, item::text(pk))
            .update_expression(format!(
                "ADD {} \
                 SET expires_at = :expires_at, #version = if_not_exists(#version, :version)",
                added.join(", ")
            ))
            .expression_attribute_names("#version", names::VERSION)
            .expression_attribute_values(":version", item::version())
            .expression_attribute_values(":expires_at", item::number(expires_at))
            .return_values(ReturnValue::AllNew);
        for (name, set) in sets {
            update = update.expression_attribute_values(format!(":{name}"), set);
        }
        let added = update.send().await.map_err(unavailable)?;
        Ok(added.attributes.unwrap_or_default())
    }
}

/// A part of a batch of which every flow is settled.
struct CompletePart {
    number: u32,
    settled: usize,
    by_state: [usize; 3],
}

impl CompletePart {
    /// `number:completed:failed:cancelled`. `None` where a version that did not tell how they ended counted some.
    fn outcome(&self) -> Option<String> {
        let [completed, failed, cancelled] = self.by_state;
        let told = completed + failed + cancelled == self.settled;
        told.then(|| format!("{}:{completed}:{failed}:{cancelled}", self.number))
    }
}

/// How the flows of a batch ended, as far as its row tells: those of its parts that are complete. A text that can't be
/// read tells of none.
pub(super) fn counted(row: &Item) -> Counts {
    let outcomes = row.get(OUTCOMES).and_then(|set| set.as_ss().ok());
    let mut counts = Counts::default();
    for outcome in outcomes.into_iter().flatten() {
        let numbers = outcome.split(':').skip(1).map(|number| number.parse().ok());
        for ((_, state), number) in BY_STATE.into_iter().zip(numbers) {
            counts.add(state, number.unwrap_or_default());
        }
    }
    counts
}

/// How many a set of a row has.
fn len(row: &Item, set: &str) -> usize {
    let set = row.get(set).and_then(|set| set.as_ns().ok());
    set.map_or(0, Vec::len)
}

fn size(row: &Item) -> Option<u32> {
    let size: u32 = row.get("size")?.as_n().ok()?.parse().ok()?;
    (size > 0).then_some(size)
}

fn by_part(settled: &[SettledFlow]) -> BTreeMap<u32, BTreeMap<u32, FlowState>> {
    let mut parts = BTreeMap::<_, BTreeMap<_, _>>::new();
    for SettledFlow { index, state } in settled {
        // A set that is given a number twice is refused.
        parts
            .entry(keys::tally_part(*index))
            .or_default()
            .insert(*index, *state);
    }
    parts
}
