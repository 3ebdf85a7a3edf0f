//! Endpoints, all of a tenant in a row that never expires; and a row for each thing that one of them is told. What is
//! to be told stands in a list of its endpoint.

use std::collections::HashMap;
use std::time::Duration;

use assetmill_core::ports::{OneWebhookRule, Outbox, Unavailable, WebhookRule, Webhooks};
use assetmill_core::{BatchId, DeliveryId, TenantId, Webhook, WebhookDelivery, WebhookId};
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::item::{self, Item, WriteId};
use super::listing::{Range, TransformRequest, attribute};
use super::{Table, TableFlows, TableWebhooks, keys, names, unavailable};

/// How often a change is tried anew on endpoints that others changed meanwhile. Each time, one of them made progress.
const TRIES: u32 = 32;
/// How many rows are written, and lists read, at the same time.
const PARALLEL: usize = 16;
/// The attribute that holds the endpoints of a tenant, as JSON.
const WEBHOOKS: &str = "webhooks";
/// The attribute that holds the endpoint of a batch, in the row of the batch.
const WEBHOOK: &str = "webhook";
/// How much of a list of what is due of batches is looked through: some pages of the index.
const LOOKED_THROUGH: usize = 10_000;
/// The attribute that holds what an endpoint is told, as JSON.
const DELIVERY: &str = "delivery";

enum Written {
    Done,
    /// It was not what was thought, and this is the row now.
    Refused(Option<Item>),
}

impl Table {
    /// Changes attributes of a row if it is at this revision, or, at none, is not there: in one call.
    async fn write_revision(
        &self,
        pk: String,
        before: Option<u64>,
        set: Item,
        removed: &[&'static str],
    ) -> Result<Written, Unavailable> {
        let write = WriteId::generate();
        let mut call = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(names::PK, item::text(pk))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        call = match before {
            None => call.condition_expression("attribute_not_exists(pk)"),
            Some(before) => call
                .condition_expression("#revision = :before")
                .expression_attribute_names("#revision", names::REVISION)
                .expression_attribute_values(":before", item::number(before)),
        };
        let written_by = (names::WRITTEN_BY.to_owned(), write.value());
        let call = update(call, set.into_iter().chain([written_by]), removed);
        let Err(error) = call.send().await else {
            return Ok(Written::Done);
        };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                // A try whose answer was lost took effect.
                let own = failed.item.as_ref().and_then(WriteId::of) == Some(write);
                Ok(if own {
                    Written::Done
                } else {
                    Written::Refused(failed.item)
                })
            }
            other => Err(unavailable(other)),
        }
    }

    /// Writes the endpoint of a batch in the place of another. Whether that was the one that was there.
    async fn replace_webhook(
        &self,
        batch: BatchId,
        before: &Webhook,
        after: &Webhook,
    ) -> Result<bool, Unavailable> {
        let after = item::value(after)?;
        let replaced = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(names::PK, item::text(keys::batch(batch)))
            .condition_expression("#webhook = :before")
            .update_expression("SET #webhook = :after")
            .expression_attribute_names("#webhook", WEBHOOK)
            .expression_attribute_values(":before", item::value(before)?)
            .expression_attribute_values(":after", after.clone())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = replaced else {
            return Ok(true);
        };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                // A try whose answer was lost took effect.
                let now = failed.item.as_ref().and_then(|row| row.get(WEBHOOK));
                Ok(now == Some(&after))
            }
            other => Err(unavailable(other)),
        }
    }

    async fn write_delivery(
        &self,
        delivery: &WebhookDelivery,
        before: Option<u64>,
    ) -> Result<Written, Unavailable> {
        let kept_for = self.retention.min(WebhookDelivery::KEPT_FOR);
        let expires_at = delivery.created_at.as_second() + seconds(kept_for);
        let (webhook, id) = (delivery.webhook_id, delivery.id);
        let mut set = item::named([
            ("tenant", item::text(delivery.tenant.to_string())),
            (DELIVERY, item::text(json(delivery)?)),
            (names::REVISION, item::number(delivery.revision)),
            (names::LISTED_IN, item::text(keys::deliveries_to(delivery))),
            (names::LISTED_AS, item::text(id.to_string())),
            (names::EXPIRES_AT, item::number(expires_at)),
            (names::VERSION, item::version()),
        ]);
        let mut removed = [names::UNSENT_IN, names::UNSENT_SINCE].as_slice();
        if let Some(due_at) = delivery.due_at() {
            let list = keys::due_deliveries_to(delivery);
            set.extend(item::named([
                (names::UNSENT_IN, item::text(list)),
                (names::UNSENT_SINCE, item::text(keys::unsent_place(due_at))),
            ]));
            removed = &[];
        }
        let pk = keys::delivery(webhook, id);
        self.write_revision(pk, before, set, removed).await
    }

    /// The rows that entries of a list stand for, in the same order.
    async fn read_deliveries(&self, entries: &[Item]) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let pk = |entry: &Item| attribute(entry, names::PK).to_owned();
        let rows = self.get_many(entries.iter().map(pk)).await?;
        let found = entries.iter().filter_map(|entry| rows.get(&pk(entry)));
        found.map(|row| read(row, DELIVERY)).collect()
    }
}

impl TableWebhooks {
    /// The deliveries of these entries of lists that are due at `now`: the rows know better than the lists.
    async fn still_due(
        &self,
        entries: &[Item],
        now: Timestamp,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let mut due = self.0.read_deliveries(entries).await?;
        due.retain(|delivery| delivery.due_at().is_some_and(|due_at| due_at <= now));
        Ok(due)
    }
}

/// `SET` and `REMOVE` of attributes, under names of their own: some are reserved words of DynamoDB's.
fn update(
    mut call: UpdateItemFluentBuilder,
    set: impl Iterator<Item = (String, AttributeValue)>,
    removed: &[&'static str],
) -> UpdateItemFluentBuilder {
    let mut sets = Vec::new();
    for (place, (name, value)) in set.enumerate() {
        sets.push(format!("#s{place} = :s{place}"));
        call = call
            .expression_attribute_names(format!("#s{place}"), name)
            .expression_attribute_values(format!(":s{place}"), value);
    }
    let mut expression = format!("SET {}", sets.join(", "));
    if !removed.is_empty() {
        expression = format!("{expression} REMOVE {}", removed.join(", "));
    }
    call.update_expression(expression)
}

/// The first entries of each endpoint.
fn some_of_each(mut entries: Vec<Item>, each: usize) -> Vec<Item> {
    entries
        .sort_by(|a, b| attribute(a, names::UNSENT_SINCE).cmp(attribute(b, names::UNSENT_SINCE)));
    let mut taken = HashMap::<String, usize>::new();
    entries.retain(|entry| {
        let webhook = keys::webhook_of(attribute(entry, names::PK));
        let taken = taken.entry(webhook.to_owned()).or_default();
        *taken += 1;
        *taken <= each
    });
    entries
}

fn json(value: &impl serde::Serialize) -> Result<String, Unavailable> {
    serde_json::to_string(value).map_err(|error| Unavailable::new("webhooks", error))
}

fn read<T: DeserializeOwned>(row: &Item, name: &str) -> Result<T, Unavailable> {
    serde_json::from_str(attribute(row, name)).map_err(|error| Unavailable::new("webhooks", error))
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn webhooks_in(row: Option<&Item>) -> Result<Vec<Webhook>, Unavailable> {
    row.map_or_else(|| Ok(Vec::new()), |row| read(row, WEBHOOKS))
}

fn webhook_of_batch(row: Option<&Item>) -> Result<Option<Webhook>, Unavailable> {
    let webhook = row.and_then(|row| row.get(WEBHOOK)).cloned();
    let webhook = webhook.map(serde_dynamo::from_attribute_value);
    webhook
        .transpose()
        .map_err(|error| Unavailable::new("webhooks", error))
}

fn revision(row: &Item) -> Option<u64> {
    row.get(names::REVISION)?.as_n().ok()?.parse().ok()
}

#[async_trait]
impl Outbox for TableWebhooks {
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable> {
        webhooks_in(self.0.get(keys::webhooks(tenant)).await?.as_ref())
    }

    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable> {
        let writes = stream::iter(deliveries.to_vec())
            .map(|delivery| async move { self.0.write_delivery(&delivery, None).await })
            .buffer_unordered(PARALLEL);
        // One that is there stays.
        writes.try_for_each(async |_| Ok(())).await
    }
}

#[async_trait]
impl Outbox for TableFlows {
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable> {
        self.0.webhooks().webhooks(tenant).await
    }

    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable> {
        self.0.webhooks().put_deliveries(deliveries).await
    }
}

#[async_trait]
impl Webhooks for TableWebhooks {
    async fn change_webhooks(
        &self,
        tenant: &TenantId,
        rule: WebhookRule,
    ) -> Result<Vec<Webhook>, Unavailable> {
        let pk = keys::webhooks(tenant);
        let mut row = self.0.get(pk.clone()).await?;
        for _ in 0..TRIES {
            let before = webhooks_in(row.as_ref())?;
            let mut after = before.clone();
            rule(&mut after);
            if after == before {
                return Ok(before);
            }
            let revision = row.as_ref().and_then(revision);
            let set = item::named([
                ("tenant", item::text(tenant.to_string())),
                (WEBHOOKS, item::text(json(&after)?)),
                (names::LISTED_IN, item::text(keys::WEBHOOKS)),
                (names::LISTED_AS, item::text(tenant.to_string())),
                (names::REVISION, item::number(revision.unwrap_or(0) + 1)),
                (names::VERSION, item::version()),
            ]);
            let written = self.0.write_revision(pk.clone(), revision, set, &[]).await;
            match written? {
                Written::Done => return Ok(before),
                Written::Refused(now) => row = now,
            }
        }
        Err(Unavailable::new(
            "webhooks",
            "others changed the endpoints each time",
        ))
    }

    async fn all_webhooks(&self) -> Result<Vec<Webhook>, Unavailable> {
        let everyone = Range {
            index: names::LISTED,
            condition: None,
            state: None,
            order: TransformRequest::First,
            limit: usize::MAX,
        };
        let tenants = self.0.list(keys::WEBHOOKS.to_owned(), &everyone).await?;
        let pks = tenants.iter().map(|entry| attribute(entry, names::PK));
        let mut all = Vec::new();
        for row in self.0.get_many(pks.map(ToOwned::to_owned)).await?.values() {
            all.extend(webhooks_in(Some(row))?);
        }
        Ok(all)
    }

    async fn webhook(
        &self,
        tenant: &TenantId,
        id: WebhookId,
    ) -> Result<Option<Webhook>, Unavailable> {
        let mut of_tenant = self.webhooks(tenant).await?.into_iter();
        if let Some(webhook) = of_tenant.find(|webhook| webhook.id == id) {
            return Ok(Some(webhook));
        }
        let row = self.0.get(keys::batch(id.as_batch())).await?;
        let own = row.filter(|row| item::is_of(row, tenant));
        webhook_of_batch(own.as_ref())
    }

    async fn change_webhook_of_batch(
        &self,
        tenant: &TenantId,
        batch: BatchId,
        rule: OneWebhookRule,
    ) -> Result<Option<Webhook>, Unavailable> {
        for _ in 0..TRIES {
            let row = self.0.get(keys::batch(batch)).await?;
            let own = row.filter(|row| item::is_of(row, tenant));
            let Some(before) = webhook_of_batch(own.as_ref())? else {
                return Ok(None);
            };
            let mut after = before.clone();
            rule(&mut after);
            if after == before || self.0.replace_webhook(batch, &before, &after).await? {
                return Ok(Some(before));
            }
        }
        Err(Unavailable::new(
            "webhooks",
            "others changed the endpoint each time",
        ))
    }

    async fn delivery(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<WebhookDelivery>, Unavailable> {
        let row = self.0.get(keys::delivery(webhook, id)).await?;
        let own = row.filter(|row| item::is_of(row, tenant));
        own.map(|row| read(&row, DELIVERY)).transpose()
    }

    async fn replace_delivery(&self, delivery: &WebhookDelivery) -> Result<bool, Unavailable> {
        let before = delivery.revision.checked_sub(1);
        let written = self.0.write_delivery(delivery, before).await?;
        Ok(matches!(written, Written::Done))
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let range = Range::last(before, limit);
        let lists = keys::all_deliveries_to(webhook);
        let mut entries = self.0.list_all(lists.into_iter(), &range).await?;
        entries.sort_by(|a, b| attribute(b, names::LISTED_AS).cmp(attribute(a, names::LISTED_AS)));
        entries.truncate(limit);
        let mut deliveries = self.0.read_deliveries(&entries).await?;
        deliveries.retain(|delivery| delivery.tenant == *tenant);
        Ok(deliveries)
    }

    /// Two calls for all tenants with endpoints, one for each endpoint, or nine where it is told of flows, and one for each list of what is due of batches,
    /// which is looked through as far as one page goes.
    async fn due_deliveries(
        &self,
        now: Timestamp,
        each: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let webhooks = self.all_webhooks().await?;
        let mut lists = Vec::new();
        for webhook in &webhooks {
            lists.extend(keys::all_due_deliveries_to(webhook));
        }
        let range = Range {
            index: names::UNSENT,
            condition: Some(("unsent_since <= :place", keys::unsent_place(now))),
            state: None,
            order: TransformRequest::First,
            limit: each,
        };
        let of_batches = Range {
            limit: LOOKED_THROUGH,
            ..range.clone()
        };
        let (mut entries, of_batches) = tokio::try_join!(
            self.0.list_all(lists.into_iter(), &range),
            self.0
                .list_all(keys::due_deliveries_of_batches(), &of_batches),
        )?;
        entries.extend(of_batches);
        let entries = some_of_each(entries, each);
        self.still_due(&entries, now).await
    }
    /// Nine calls, and one for each hundred that are due.
    async fn due_to_bus(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let range = Range {
            index: names::UNSENT,
            condition: Some(("unsent_since <= :place", keys::unsent_place(now))),
            state: None,
            order: TransformRequest::First,
            limit,
        };
        let mut entries = self
            .0
            .list_all(keys::due_deliveries_to_bus(), &range)
            .await?;
        entries.sort_by(|a, b| {
            attribute(a, names::UNSENT_SINCE).cmp(attribute(b, names::UNSENT_SINCE))
        });
        entries.truncate(limit);
        self.still_due(&entries, now).await
    }
}
