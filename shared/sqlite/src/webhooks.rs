//! Endpoints of tenants and what they are told, in SQLite.

use assetmill_core::ports::{
    DUE_ENDPOINTS, OneWebhookRule, Outbox, Unavailable, WebhookRule, Webhooks,
};
use assetmill_core::{BatchId, DeliveryId, TenantId, Webhook, WebhookDelivery, WebhookId};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::database::Database;
use super::flows::SqliteFlows;
use super::retention::{self, Cutoff, Retention};
use super::rows;

/// What is due to one who is told, the earliest first.
const DUE_TO: &str = "SELECT delivery FROM deliveries WHERE webhook_id = ?1 AND due_at <= ?2
     ORDER BY due_at LIMIT ?3";

/// How many old deliveries new ones delete: more than they are, so the table does not grow for ever, and few enough for
/// nobody to wait for it.
const DELETED: usize = 100;

/// Endpoints of tenants and what they are told, in SQLite.
#[derive(Debug, Clone)]
pub struct SqliteWebhooks {
    database: Database,
    retention: Retention,
}

impl SqliteWebhooks {
    pub(super) fn new(database: Database, retention: Retention) -> Self {
        Self {
            database,
            retention,
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let read = self.database.read(work).await;
        read.map_err(|error| error.of("webhooks"))
    }

    async fn read_for<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        work: impl Fn(&Connection, &TenantId) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let read = self.database.read_for(tenant, work).await;
        read.map_err(|error| error.of("webhooks"))
    }

    async fn write_for<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        rows: usize,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let written = self.database.write_for(tenant, rows, work).await;
        written.map_err(|error| error.of("webhooks"))
    }

    /// What is older is not kept.
    fn cutoff(&self) -> Cutoff {
        self.retention.cutoff_within(WebhookDelivery::KEPT_FOR)
    }
}

#[async_trait]
impl Outbox for SqliteWebhooks {
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable> {
        self.read_for(tenant, webhooks_of).await
    }

    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable> {
        let Some(first) = deliveries.first() else {
            return Ok(());
        };
        let deliveries = deliveries.to_vec();
        let gone = self.cutoff();
        self.write_for(&first.tenant, deliveries.len(), move |rows| {
            for delivery in &deliveries {
                put(rows, delivery)?;
            }
            delete_old(rows, gone)
        })
        .await
    }
}

#[async_trait]
impl Outbox for SqliteFlows {
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable> {
        self.outbox().webhooks(tenant).await
    }

    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable> {
        self.outbox().put_deliveries(deliveries).await
    }
}

#[async_trait]
impl Webhooks for SqliteWebhooks {
    async fn change_webhooks(
        &self,
        tenant: &TenantId,
        rule: WebhookRule,
    ) -> Result<Vec<Webhook>, Unavailable> {
        let owner = tenant.clone();
        self.write_for(tenant, 1, move |rows| {
            let before = webhooks_of(rows, &owner)?;
            let mut after = before.clone();
            rule(&mut after);
            if after != before {
                rows.prepare_cached(
                    "INSERT OR REPLACE INTO webhooks (tenant, webhooks) VALUES (?1, ?2)",
                )?
                .execute(params![owner.as_str(), rows::to_json(&after)?])?;
            }
            let gone = |it: &&Webhook| after.iter().all(|left| left.id != it.id);
            for webhook in before.iter().filter(gone) {
                rows.prepare_cached("DELETE FROM deliveries WHERE webhook_id = ?1")?
                    .execute([webhook.id.to_string()])?;
            }
            Ok(before)
        })
        .await
    }

    async fn all_webhooks(&self) -> Result<Vec<Webhook>, Unavailable> {
        self.read(every_webhook).await
    }

    async fn webhook(
        &self,
        tenant: &TenantId,
        id: WebhookId,
    ) -> Result<Option<Webhook>, Unavailable> {
        let gone = self.retention.cutoff();
        self.read_for(tenant, move |rows, tenant| {
            let mut of_tenant = webhooks_of(rows, tenant)?.into_iter();
            match of_tenant.find(|webhook| webhook.id == id) {
                Some(webhook) => Ok(Some(webhook)),
                None => webhook_of_batch(rows, tenant, id.as_batch(), gone),
            }
        })
        .await
    }

    async fn change_webhook_of_batch(
        &self,
        tenant: &TenantId,
        batch: BatchId,
        rule: OneWebhookRule,
    ) -> Result<Option<Webhook>, Unavailable> {
        let (owner, gone) = (tenant.clone(), self.retention.cutoff());
        self.write_for(tenant, 1, move |rows| {
            let Some(before) = webhook_of_batch(rows, &owner, batch, gone)? else {
                return Ok(None);
            };
            let mut after = before.clone();
            rule(&mut after);
            rows.prepare_cached("UPDATE batches SET webhook = ?2 WHERE batch_id = ?1")?
                .execute(params![batch.to_string(), rows::to_json(&after)?])?;
            Ok(Some(before))
        })
        .await
    }

    async fn delivery(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<WebhookDelivery>, Unavailable> {
        let gone = self.cutoff();
        self.read_for(tenant, move |rows, tenant| {
            rows.prepare_cached(
                "SELECT delivery FROM deliveries
                 WHERE webhook_id = ?1 AND delivery_id = ?2 AND tenant = ?3 AND created_at > ?4",
            )?
            .query_row(
                params![webhook.to_string(), id.to_string(), tenant.as_str(), gone],
                document,
            )
            .optional()
        })
        .await
    }

    async fn replace_delivery(&self, delivery: &WebhookDelivery) -> Result<bool, Unavailable> {
        let (tenant, delivery) = (&delivery.tenant, delivery.clone());
        self.write_for(tenant, 1, move |rows| {
            let replaced = rows
                .prepare_cached(
                    "UPDATE deliveries SET revision = ?3, due_at = ?4, delivery = ?5
                     WHERE webhook_id = ?1 AND delivery_id = ?2 AND revision = ?3 - 1",
                )?
                .execute(params![
                    delivery.webhook_id.to_string(),
                    delivery.id.to_string(),
                    delivery.revision,
                    delivery.due_at().map(Timestamp::as_millisecond),
                    rows::to_json(&delivery)?,
                ])?;
            Ok(replaced > 0)
        })
        .await
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let gone = self.cutoff();
        let before = before.map(|id| id.to_string());
        self.read_for(tenant, move |rows, tenant| {
            rows.prepare_cached(
                "SELECT delivery FROM deliveries
                 WHERE webhook_id = ?1 AND tenant = ?2 AND (?3 IS NULL OR delivery_id < ?3)
                   AND created_at > ?4
                 ORDER BY delivery_id DESC LIMIT ?5",
            )?
            .query_map(
                params![webhook.to_string(), tenant.as_str(), before, gone, limit],
                document,
            )?
            .collect()
        })
        .await
    }

    async fn due_deliveries(
        &self,
        now: Timestamp,
        each: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let (now, bus) = (now.as_millisecond(), WebhookId::BUS.to_string());
        self.read(move |rows| {
            let mut endpoints = rows.prepare_cached(
                "SELECT webhook_id FROM due_endpoints
                 WHERE tenant = ?1 AND due_at <= ?2 AND webhook_id <> ?3 ORDER BY due_at LIMIT ?4",
            )?;
            let mut due = rows.prepare_cached(DUE_TO)?;
            let mut found = Vec::new();
            let mut last = String::new();
            while let Some(tenant) = next_with_endpoints(rows, &last)? {
                let of_tenant = params![tenant, now, bus, DUE_ENDPOINTS];
                for endpoint in endpoints.query_map(of_tenant, |row| row.get::<_, String>(0))? {
                    for delivery in due.query_map(params![endpoint?, now, each], document)? {
                        found.push(delivery?);
                    }
                }
                last = tenant;
            }
            Ok(found)
        })
        .await
    }

    async fn due_to_bus(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable> {
        let now = now.as_millisecond();
        self.read(move |rows| {
            rows.prepare_cached(DUE_TO)?
                .query_map(params![WebhookId::BUS.to_string(), now, limit], document)?
                .collect()
        })
        .await
    }
}

fn webhooks_of(rows: &Connection, tenant: &TenantId) -> rusqlite::Result<Vec<Webhook>> {
    let webhooks: Option<String> = rows
        .prepare_cached("SELECT webhooks FROM webhooks WHERE tenant = ?1")?
        .query_row([tenant.as_str()], |row| row.get(0))
        .optional()?;
    webhooks.map_or_else(|| Ok(Vec::new()), |webhooks| rows::from_json(&webhooks))
}

/// All endpoints of tenants.
fn every_webhook(rows: &Connection) -> rusqlite::Result<Vec<Webhook>> {
    let mut all = rows.prepare_cached("SELECT webhooks FROM webhooks")?;
    let all = all.query_map([], |row| row.get::<_, String>(0))?;
    let mut found = Vec::new();
    for webhooks in all {
        found.extend(rows::from_json::<Vec<Webhook>>(&webhooks?)?);
    }
    Ok(found)
}

/// The tenant after this one, by name, with endpoints that are to be told anything now or later.
fn next_with_endpoints(rows: &Connection, after: &str) -> rusqlite::Result<Option<String>> {
    rows.prepare_cached(
        "SELECT tenant FROM due_endpoints WHERE tenant > ?1 ORDER BY tenant LIMIT 1",
    )?
    .query_row([after], |row| row.get(0))
    .optional()
}

fn webhook_of_batch(
    rows: &Connection,
    tenant: &TenantId,
    batch: BatchId,
    gone: Cutoff,
) -> rusqlite::Result<Option<Webhook>> {
    let found = rows
        .prepare_cached(&format!(
            "SELECT webhook FROM batches WHERE batch_id = ?1 AND tenant = ?2 AND {}",
            retention::batch_lives("?3")
        ))?
        .query_row(params![batch.to_string(), tenant.as_str(), gone], |row| {
            rows::optional_json(row, "webhook")
        })
        .optional()?;
    Ok(found.flatten())
}

/// Leaves one alone that is there.
pub(super) fn put(rows: &Connection, delivery: &WebhookDelivery) -> rusqlite::Result<()> {
    rows.prepare_cached(
        "INSERT OR IGNORE INTO deliveries
            (webhook_id, delivery_id, tenant, revision, due_at, created_at, delivery)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        delivery.webhook_id.to_string(),
        delivery.id.to_string(),
        delivery.tenant.as_str(),
        delivery.revision,
        delivery.due_at().map(Timestamp::as_millisecond),
        delivery.created_at.as_millisecond(),
        rows::to_json(delivery)?,
    ])?;
    Ok(())
}

fn delete_old(rows: &Connection, gone: Cutoff) -> rusqlite::Result<()> {
    rows.prepare_cached(
        "DELETE FROM deliveries WHERE (webhook_id, delivery_id) IN
            (SELECT webhook_id, delivery_id FROM deliveries
             WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)",
    )?
    .execute(params![gone, DELETED])?;
    Ok(())
}

fn document(row: &rusqlite::Row<'_>) -> rusqlite::Result<WebhookDelivery> {
    rows::from_json(&row.get::<_, String>("delivery")?)
}
