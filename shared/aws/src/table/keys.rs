//! Keys of rows and of the lists that they stand in.

use std::ops::Range;

use assetmill_core::{
    BatchId, DeliveryId, FlowId, IdempotencyKey, OperationName, TenantId, Webhook, WebhookDelivery,
    WebhookEvent, WebhookId, WorkKey,
};
use jiff::Timestamp;

/// Names of attributes and indexes.
pub(crate) mod names {
    /// The key of every row.
    pub(crate) const PK: &str = "pk";
    /// When a row expires.
    pub(crate) const EXPIRES_AT: &str = "expires_at";
    /// The index of flows by batch, and of batches by tenant.
    pub(crate) const LISTED: &str = "listed";
    /// Which list a row stands in.
    pub(crate) const LISTED_IN: &str = "listed_in";
    /// Where in that list.
    pub(crate) const LISTED_AS: &str = "listed_as";
    /// The index of what is under way: batches that are not dispatched, are not complete, or from whose completion
    /// not all has followed; flows that rest.
    pub(crate) const UNSENT: &str = "unsent";
    /// Which shard of that index they stand in.
    pub(crate) const UNSENT_IN: &str = "unsent_in";
    /// Since when, or from when on.
    pub(crate) const UNSENT_SINCE: &str = "unsent_since";
    /// Which list of that index a batch stands in from its dispatch to its completion.
    pub(crate) const OPEN_IN: &str = "open_in";
    /// Where in that list: how many flows it has.
    pub(crate) const OPEN_AS: &str = "open_as";
    /// The state of a flow.
    pub(crate) const STATE: &str = "state";
    /// How often a flow was changed.
    pub(crate) const REVISION: &str = "revision";
    /// The version of what the row looks like, by who made it.
    pub(crate) const VERSION: &str = "version";
    /// When a key of a request was claimed, in milliseconds since 1970.
    pub(crate) const CLAIMED_AT: &str = "claimed_at";
    /// Names the write that made a row what it is.
    pub(crate) const WRITTEN_BY: &str = "written_by";
}

/// The lists of one batch. A flow changes its state two or three times, so 1,000 flows settled in a
/// second are about 190 writes a second for each.
const FLOW_SHARDS: u32 = 16;
/// The lists of batches that are not dispatched, and of flows that rest. Each is put in one and taken out of
/// it.
const UNSENT_SHARDS: u8 = 8;
/// In how many rows what happens to a tenant is counted. Who counts writes once for all that one invocation did, so
/// these are as many as a thousand invocations a second need, and more.
const ACTIVITY_SHARDS: u8 = 4;
/// How many flows of a batch one counter has: as many numbers as stay below 1 KB, so that adding one
/// is one write.
pub(super) const TALLIED_TOGETHER: u32 = 128;

pub(super) fn flow(id: FlowId) -> String {
    format!("flow#{id}")
}

pub(super) fn batch(id: BatchId) -> String {
    format!("batch#{id}")
}

pub(super) fn work(key: &WorkKey) -> String {
    format!("work#{}", key.as_str())
}

/// No tenant's name has a `#`; a key may have any.
pub(super) fn idempotency(tenant: &TenantId, key: &IdempotencyKey) -> String {
    format!("key#{tenant}#{key}")
}

pub(super) fn gate(operation: &OperationName) -> String {
    format!("gate#{operation}")
}

/// The row that a writer adds to who counts what happened in this part of a tenant's time: any of its shards.
pub(super) fn activity(tenant: &TenantId, part: i64) -> String {
    activity_shard(tenant, part, rand::random_range(0..ACTIVITY_SHARDS))
}

/// Every row that has some of what happened then.
pub(super) fn activity_shards(tenant: &TenantId, part: i64) -> impl Iterator<Item = String> {
    (0..ACTIVITY_SHARDS).map(move |shard| activity_shard(tenant, part, shard))
}

fn activity_shard(tenant: &TenantId, part: i64, shard: u8) -> String {
    format!("activity#{tenant}#{part}#{shard}")
}

/// The endpoints of a tenant.
pub(super) fn webhooks(tenant: &TenantId) -> String {
    format!("webhooks#{tenant}")
}

/// The list that the endpoints of every tenant stand in. They are seldom written.
pub(super) const WEBHOOKS: &str = "webhooks";

pub(super) fn delivery(webhook: WebhookId, id: DeliveryId) -> String {
    format!("delivery#{webhook}#{id}")
}

/// The list of what an endpoint is told. Of batches there are few. Of flows there are as many as settle, each written some
/// four times, so these stand in lists of their own: 1,000 flows settled in a second are about 500 writes a second for
/// each of them.
pub(super) fn deliveries_to(delivery: &WebhookDelivery) -> String {
    in_shard(delivery, |shard| deliveries_in(delivery.webhook_id, shard))
}

/// Every list of what an endpoint is told.
pub(super) fn all_deliveries_to(webhook: WebhookId) -> impl Iterator<Item = String> {
    every_shard().map(move |shard| deliveries_in(webhook, shard))
}

/// The list that a delivery stands in while it is to be sent, spread as those are. Those to endpoints of batches stand
/// together: there are too many of them for each to be asked about.
pub(super) fn due_deliveries_to(delivery: &WebhookDelivery) -> String {
    if delivery.of_batch {
        return format!("deliver#of-batch#{}", shard(&delivery.id.to_string()));
    }
    in_shard(delivery, |shard| due_in(delivery.webhook_id, shard))
}

/// Every list of what is to be sent to an endpoint of a tenant.
pub(super) fn all_due_deliveries_to(webhook: &Webhook) -> impl Iterator<Item = String> {
    let id = webhook.id;
    let of_flows = webhook.events.contains(&WebhookEvent::FlowSettled);
    every_shard()
        .filter(move |shard| of_flows || shard.is_none())
        .map(move |shard| due_in(id, shard))
}

/// Every list of what the bus is to be told.
pub(super) fn due_deliveries_to_bus() -> impl Iterator<Item = String> {
    every_shard().map(|shard| due_in(WebhookId::BUS, shard))
}

fn in_shard(delivery: &WebhookDelivery, list: impl Fn(Option<u8>) -> String) -> String {
    list(match delivery.event {
        WebhookEvent::FlowSettled => Some(shard(&delivery.id.to_string())),
        WebhookEvent::BatchProgress
        | WebhookEvent::BatchCompleted
        | WebhookEvent::OperationPaused => None,
    })
}

fn every_shard() -> impl Iterator<Item = Option<u8>> {
    std::iter::once(None).chain((0..UNSENT_SHARDS).map(Some))
}

fn deliveries_in(webhook: WebhookId, shard: Option<u8>) -> String {
    match shard {
        None => format!("deliveries#{webhook}"),
        Some(shard) => format!("deliveries#{webhook}#{shard}"),
    }
}

fn due_in(webhook: WebhookId, shard: Option<u8>) -> String {
    match shard {
        None => format!("deliver#{webhook}"),
        Some(shard) => format!("deliver#{webhook}#{shard}"),
    }
}

/// Every list of what is to be sent to endpoints of batches.
pub(super) fn due_deliveries_of_batches() -> impl Iterator<Item = String> {
    (0..UNSENT_SHARDS).map(|shard| format!("deliver#of-batch#{shard}"))
}

/// The endpoint in the key of a delivery.
pub(super) fn webhook_of(delivery: &str) -> &str {
    delivery.split('#').nth(1).unwrap_or_default()
}

pub(super) fn count_settled(batch: BatchId, part: u32) -> String {
    format!("tally#{batch}#{part}")
}

/// The part of a batch's completion counter that an index belongs to.
pub(super) fn tally_part(index: u32) -> u32 {
    index / TALLIED_TOGETHER
}

/// The indexes that a part of the completion counter of a batch of `size` flows has when it is complete.
pub(super) fn indexes_of_part(part: u32, size: u32) -> Range<u32> {
    let first = part * TALLIED_TOGETHER;
    first..size.min(first + TALLIED_TOGETHER)
}

pub(super) fn batches_of(tenant: &TenantId) -> String {
    format!("batches#{tenant}")
}

/// The list that a flow stands in. Neighbours stand in different ones: workers take flows by and
/// large in their order, and so their writes spread.
pub(super) fn flow_list(batch: BatchId, index: u32) -> String {
    format!("flows#{batch}#{}", index % FLOW_SHARDS)
}

/// Every list that flows of the batch stand in.
pub(super) fn flow_lists(batch: BatchId) -> impl Iterator<Item = String> {
    (0..FLOW_SHARDS).map(move |shard| flow_list(batch, shard))
}

/// How many of `number` flows in a row stand in the same list, at the most.
pub(super) fn share_of_list(number: usize) -> usize {
    number.div_ceil(FLOW_SHARDS as usize)
}

/// The place of a flow in its list: sorts as the index does.
pub(super) fn flow_place(index: u32) -> String {
    format!("{index:05}")
}

pub(super) fn unsent_list(batch: BatchId) -> String {
    format!("unsent#{}", shard(&batch.to_string()))
}

/// Spreads ids: the last bits of one are random.
fn shard(id: &str) -> u8 {
    id.bytes().last().unwrap_or_default() % UNSENT_SHARDS
}

/// The list that a flow which rests without a message stands in.
pub(super) fn due_list(flow: FlowId) -> String {
    format!("due#{}", shard(&flow.to_string()))
}

/// Every list of flows that rest.
pub(super) fn due_lists() -> impl Iterator<Item = String> {
    (0..UNSENT_SHARDS).map(|shard| format!("due#{shard}"))
}

/// Every list of batches that are not dispatched.
pub(super) fn unsent_lists() -> impl Iterator<Item = String> {
    (0..UNSENT_SHARDS).map(|shard| format!("unsent#{shard}"))
}

/// The list that a tenant's batches stand in while they are dispatched and not complete: as many writes as batches,
/// which `listed` has too.
pub(super) fn open_list(tenant: &TenantId) -> String {
    format!("open#{tenant}")
}

/// Where rows stand that were put before there was such a list; nobody reads it.
pub(super) const OPEN_NOWHERE: &str = "open#";

/// The place in such a list, which tells the size of the batch: the index has nothing else of the row.
pub(super) fn open_place(size: u32) -> String {
    format!("{size:05}")
}

/// The list that a batch stands in from whose completion not all has followed.
pub(super) fn completion_list(batch: BatchId) -> String {
    format!("completed#{}", shard(&batch.to_string()))
}

/// Every list of such batches.
pub(super) fn completion_lists() -> impl Iterator<Item = String> {
    (0..UNSENT_SHARDS).map(|shard| format!("completed#{shard}"))
}

/// The place in such a list: sorts as times do, until the year 2286.
pub(super) fn unsent_place(since: Timestamp) -> String {
    format!("{:013}", since.as_millisecond())
}

#[cfg(test)]
mod tests {
    use assetmill_core::MAX_BATCH;

    use super::*;

    #[test]
    fn every_index_of_a_batch_is_in_one_part_of_its_tally() {
        for size in [1, 127, 128, 129, 10_000] {
            let parts = 0..=tally_part(size - 1);
            let indexes: Vec<_> = parts.flat_map(|part| indexes_of_part(part, size)).collect();
            assert_eq!(indexes, (0..size).collect::<Vec<_>>());
        }
    }

    #[test]
    fn places_sort_as_indexes_do() {
        let last = u32::try_from(MAX_BATCH).unwrap() - 1;
        for pair in [[0, 1], [9, 10], [99, 100], [999, 1_000], [1_000, last]] {
            assert!(flow_place(pair[0]) < flow_place(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn batches_not_dispatched_are_spread() {
        let lists: std::collections::HashSet<_> =
            (0..500).map(|_| unsent_list(BatchId::generate())).collect();
        assert_eq!(lists.len(), usize::from(UNSENT_SHARDS));
        assert!(unsent_lists().all(|list| lists.contains(&list)));
    }
}
