use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use assetmill_core::ports::{OneWebhookRule, Outbox, Unavailable, WebhookRule, Webhooks};
use assetmill_core::{BatchId, DeliveryId, TenantId, Webhook, WebhookDelivery, WebhookId};
use async_trait::async_trait;
use jiff::Timestamp;

/// Endpoints and what they are told, in memory.
#[derive(Debug, Default)]
pub struct MemoryWebhooks(Mutex<Rows>);

#[derive(Debug, Default)]
struct Rows {
    webhooks: HashMap<TenantId, Vec<Webhook>>,
    of_batches: HashMap<BatchId, Webhook>,
    deliveries: BTreeMap<(WebhookId, DeliveryId), WebhookDelivery>,
    searches: usize,
}

impl MemoryWebhooks {
    /// Some that have this endpoint.
    pub fn with(webhook: Webhook) -> Self {
        let mut rows = Rows::default();
        rows.webhooks.insert(webhook.tenant.clone(), vec![webhook]);
        Self(Mutex::new(rows))
    }

    /// Has this endpoint of a batch, unless there is one.
    pub(super) fn put_of_batch(&self, batch: BatchId, webhook: &Webhook) {
        let mut rows = self.0.lock().unwrap();
        let put = rows.of_batches.entry(batch);
        put.or_insert_with(|| webhook.clone());
    }

    /// How often somebody looked for what is due.
    pub fn searches(&self) -> usize {
        self.0.lock().unwrap().searches
    }

    /// Everything that any endpoint is told.
    pub fn every_delivery(&self) -> Vec<WebhookDelivery> {
        let rows = self.0.lock().unwrap();
        rows.deliveries.values().cloned().collect()
    }
}

impl Rows {
    /// What is due to one of those who are told, the earliest first.
    fn due_to(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> Vec<WebhookDelivery> {
        let of_webhook = self
            .deliveries
            .values()
            .filter(|it| it.webhook_id == webhook);
        let mut due: Vec<_> = of_webhook
            .filter_map(|delivery| Some((delivery.due_at()?, delivery)))
            .filter(|(due_at, _)| *due_at <= now)
            .collect();
        due.sort_by_key(|(due_at, _)| *due_at);
        let earliest = due.into_iter().take(limit);
        earliest.map(|(_, it)| it.clone()).collect()
    }
}

#[async_trait]
impl Outbox for MemoryWebhooks {
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable> {
        let rows = self.0.lock().unwrap();
        Ok(rows.webhooks.get(tenant).cloned().unwrap_or_default())
    }

    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable> {
        let mut rows = self.0.lock().unwrap();
        for delivery in deliveries {
            let place = (delivery.webhook_id, delivery.id);
            rows.deliveries
                .entry(place)
                .or_insert_with(|| delivery.clone());
        }
        Ok(())
    }
}

#[async_trait]
impl Webhooks for MemoryWebhooks {
    async fn change_webhooks(
        &self,
        tenant: &TenantId,
        rule: WebhookRule,
    ) -> Result<Vec<Webhook>, Unavailable> {
        let mut rows = self.0.lock().unwrap();
        let webhooks = rows.webhooks.entry(tenant.clone()).or_default();
        let before = webhooks.clone();
        rule(webhooks);
        Ok(before)
    }

    async fn all_webhooks(&self) -> Result<Vec<Webhook>, Unavailable> {
        let rows = self.0.lock().unwrap();
        Ok(rows.webhooks.values().flatten().cloned().collect())
    }

    async fn webhook(
        &self,
        tenant: &TenantId,
        id: WebhookId,
    ) -> Result<Option<Webhook>, Unavailable> {
        let rows = self.0.lock().unwrap();
        let of_tenant = rows.webhooks.get(tenant).into_iter().flatten();
        let of_batch = rows.of_batches.get(&id.as_batch());
        let of_batch = of_batch.filter(|webhook| webhook.tenant == *tenant);
        let mut all = of_tenant.chain(of_batch);
        Ok(all.find(|webhook| webhook.id == id).cloned())
    }

    async fn change_webhook_of_batch(
        &self,
        tenant: &TenantId,
        batch: BatchId,
        rule: OneWebhookRule,
    ) -> Result<Option<Webhook>, Unavailable> {
        let mut rows = self.0.lock().unwrap();
        let webhook = rows.of_batches.get_mut(&batch);
        let webhook = webhook.filter(|webhook| webhook.tenant == *tenant);
        Ok(webhook.map(|webhook| {
            let before = webhook.clone();
            rule(webhook);
            before
        }))
    }

    async fn delivery(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<WebhookDelivery>, Unavailable> {
        let rows = self.0.lock().unwrap();
        let delivery = rows.deliveries.get(&(webhook, id));
        Ok(delivery.filter(|it| it.tenant == *tenant).cloned())
    }

    async fn replace_delivery(&self, delivery: &WebhookDelivery) -> Result<bool, Unavailable> {
        let mut rows = self.0.lock().unwrap();
        let place = (delivery.webhook_id, delivery.id);
        let row = rows.deliveries.get_mut(&place);
        let row = row.filter(|row| row.revision + 1 == delivery.revision);
        let replaced = row.map(|row| row.clone_from(delivery));
        Ok(replaced.is_some())
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let rows = self.0.lock().unwrap();
        let of_webhook = rows.deliveries.values().rev().filter(|delivery| {
            delivery.webhook_id == webhook
                && delivery.tenant == *tenant
                && before.is_none_or(|before| delivery.id < before)
        });
        Ok(of_webhook.take(limit).cloned().collect())
    }

    async fn due_deliveries(
        &self,
        now: Timestamp,
        each: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let mut rows = self.0.lock().unwrap();
        rows.searches += 1;
        let mut found = Vec::new();
        let of_tenants = rows.webhooks.values().flatten();
        for webhook in of_tenants.chain(rows.of_batches.values()) {
            found.extend(rows.due_to(webhook.id, now, each));
        }
        Ok(found)
    }

    async fn due_to_bus(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let rows = self.0.lock().unwrap();
        Ok(rows.due_to(WebhookId::BUS, now, limit))
    }
}
