//! The endpoints of a tenant.

mod log;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use tokio::time::Instant;

pub use log::DeliveryLog;

use super::announce::Announcer;
use crate::ports::{Clock, OneWebhookRule, Unavailable, WebhookRule, Webhooks};
use crate::{
    DeliveryFilter, DeliveryId, OperationName, TenantId, Webhook, WebhookDelivery, WebhookEvent,
    WebhookId, WebhookSecret, WebhookUrl,
};

/// How often a replay is tried anew on a delivery that is changed meanwhile.
const TRIES: usize = 8;
/// How many deliveries are read at once where many are replayed, and how many of them are changed at the same time.
const PAGE: usize = 100;
const AT_ONCE: usize = 16;
/// How long deliveries are gone through for one request: half of what API Gateway gives an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes and removes endpoints, and has them told again.
#[derive(Clone)]
pub struct ManageWebhooks {
    /// Endpoints.
    pub webhooks: Arc<dyn Webhooks>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What tells the bus of the deployment, where there is one.
    pub announcer: Option<Announcer>,
}

/// What was replayed of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// How many deliveries.
    pub deliveries: usize,
    /// After which of them to go on, where there were too many to go through at once.
    pub next: Option<DeliveryId>,
}

/// Why no endpoint was made.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The tenant has [as many as it may](Webhook::MOST).
    #[error("there are {} endpoints already", Webhook::MOST)]
    TooMany,
    /// A dependency failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl ManageWebhooks {
    /// Makes an endpoint, with a new secret.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub async fn register(
        &self,
        tenant: &TenantId,
        url: WebhookUrl,
        events: BTreeSet<WebhookEvent>,
    ) -> Result<Webhook, RegisterError> {
        let webhook = Webhook {
            id: WebhookId::generate(),
            tenant: tenant.clone(),
            url,
            events,
            secret: WebhookSecret::generate(),
            retired: Vec::new(),
            created_at: self.clock.now(),
            disabled_at: None,
        };
        let new = webhook.clone();
        let rule = move |all: &mut Vec<Webhook>| {
            if all.len() < Webhook::MOST {
                all.push(new.clone());
            }
        };
        let changed = self.webhooks.change_webhooks(tenant, Arc::new(rule));
        if changed.await?.len() >= Webhook::MOST {
            return Err(RegisterError::TooMany);
        }
        tracing::info!(%tenant, webhook_id = %webhook.id, "webhook made");
        Ok(webhook)
    }

    /// Gives an endpoint a new secret; [the old one](Webhook::rotate) signs too for a day. The endpoint as it is then;
    /// `None` if the tenant has no such one.
    pub async fn rotate(
        &self,
        tenant: &TenantId,
        id: WebhookId,
    ) -> Result<Option<Webhook>, Unavailable> {
        let (secret, now) = (WebhookSecret::generate(), self.clock.now());
        let rotates: OneWebhookRule = Arc::new(move |webhook| webhook.rotate(secret.clone(), now));
        let before = change_webhook(&*self.webhooks, tenant, id, rotates.clone()).await?;
        Ok(before.map(|mut webhook| {
            rotates(&mut webhook);
            tracing::info!(%tenant, webhook_id = %id, "webhook has a new secret");
            webhook
        }))
    }

    /// Removes an endpoint: what it was not told yet it never is. That of a batch is disabled: its log stays as long as the
    /// batch. Whether the tenant had it.
    pub async fn remove(&self, tenant: &TenantId, id: WebhookId) -> Result<bool, Unavailable> {
        let rule = move |all: &mut Vec<Webhook>| all.retain(|webhook| webhook.id != id);
        let before = self.webhooks.change_webhooks(tenant, Arc::new(rule));
        let mut had = before.await?.iter().any(|webhook| webhook.id == id);
        if !had {
            let disables = disables(self.clock.now());
            let webhooks = &self.webhooks;
            let before = webhooks.change_webhook_of_batch(tenant, id.as_batch(), disables);
            had = before.await?.is_some();
        }
        if had {
            tracing::info!(%tenant, webhook_id = %id, "webhook removed");
        }
        Ok(had)
    }

    /// Notes for all tenants' endpoints, and tells the bus, that an operator paused an operation then. Again, it is the same.
    pub async fn operation_paused(
        &self,
        operator: &TenantId,
        operation: &OperationName,
        since: Timestamp,
    ) -> Result<(), Unavailable> {
        let webhooks = self.webhooks.all_webhooks().await?;
        let wanting = webhooks
            .iter()
            .filter(|webhook| webhook.wants(WebhookEvent::OperationPaused));
        let told = wanting.map(|webhook| WebhookDelivery::of_pause(webhook, operation, since));
        let told: Vec<_> = told.collect();
        if !told.is_empty() {
            self.webhooks.put_deliveries(&told).await?;
        }
        let Some(announcer) = &self.announcer else {
            return Ok(());
        };
        let told = WebhookDelivery::announces_pause(operator, operation, since);
        announcer.announce(vec![told], &*self.webhooks).await
    }

    /// Has an endpoint told again, at once, with the same id and payload. The delivery as it is then; `None` if the
    /// tenant has no such one.
    ///
    /// # Errors
    /// [`Unavailable`], also where others change it all the time.
    pub async fn replay(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<WebhookDelivery>, Unavailable> {
        let Some(delivery) = self.webhooks.delivery(tenant, webhook, id).await? else {
            return Ok(None);
        };
        self.replay_row(delivery, &DeliveryFilter::default()).await
    }

    /// The same with everything that a filter means and that was noted until now, the last first, from the one after
    /// `before` on; with `dry_run` it is only counted.
    ///
    /// # Errors
    /// As there; what was found before is to be told again all the same.
    pub async fn replay_all(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        filter: DeliveryFilter,
        before: Option<DeliveryId>,
        dry_run: bool,
    ) -> Result<Replayed, Unavailable> {
        let ends = Instant::now() + PATIENCE;
        let until = filter.until.unwrap_or_else(|| self.clock.now());
        let after = until.saturating_add(Duration::from_millis(1));
        let end = after.ok().map(DeliveryId::first_at);
        // Both are bounds.
        let mut before = before.into_iter().chain(end).min();
        let mut deliveries = 0;
        loop {
            let page = self.webhooks.deliveries(tenant, webhook, before, PAGE);
            let page = page.await?;
            let is_before =
                |it: &WebhookDelivery| filter.since.is_some_and(|since| it.created_at < since);
            let Some(last) = page.last().filter(|last| !is_before(last)) else {
                deliveries += self.replay_page(page, &filter, dry_run).await?;
                return Ok(Replayed {
                    deliveries,
                    next: None,
                });
            };
            before = Some(last.id);
            deliveries += self.replay_page(page, &filter, dry_run).await?;
            if Instant::now() >= ends {
                return Ok(Replayed {
                    deliveries,
                    next: before,
                });
            }
        }
    }

    /// How many of these are meant.
    async fn replay_page(
        &self,
        page: Vec<WebhookDelivery>,
        filter: &DeliveryFilter,
        dry_run: bool,
    ) -> Result<usize, Unavailable> {
        let meant = page.into_iter().filter(|it| filter.matches(it));
        if dry_run {
            return Ok(meant.count());
        }
        let replayed = stream::iter(meant)
            .map(|delivery| self.replay_row(delivery, filter))
            .buffer_unordered(AT_ONCE);
        replayed
            .try_fold(0, async |sum, replayed| {
                Ok(sum + usize::from(replayed.is_some()))
            })
            .await
    }

    /// The delivery as it is to be told again; `None` if it is gone, or not meant any more.
    async fn replay_row(
        &self,
        mut delivery: WebhookDelivery,
        filter: &DeliveryFilter,
    ) -> Result<Option<WebhookDelivery>, Unavailable> {
        for _ in 0..TRIES {
            if !filter.matches(&delivery) {
                return Ok(None);
            }
            let replayed = delivery.replayed(self.clock.now());
            if self.webhooks.replace_delivery(&replayed).await? {
                return Ok(Some(replayed));
            }
            let (webhook, id) = (delivery.webhook_id, delivery.id);
            let row = self
                .webhooks
                .delivery(&delivery.tenant, webhook, id)
                .await?;
            let Some(row) = row else {
                return Ok(None);
            };
            delivery = row;
        }
        Err(Unavailable::new(
            "webhooks",
            "others changed the delivery each time",
        ))
    }
}

/// Has an endpoint told nothing any more.
pub(super) fn disables(now: Timestamp) -> OneWebhookRule {
    Arc::new(move |webhook| {
        webhook.disabled_at.get_or_insert(now);
    })
}

/// Changes an endpoint of a tenant, or of one of its batches. The endpoint as it was before; `None` if there is none.
pub(super) async fn change_webhook(
    webhooks: &dyn Webhooks,
    tenant: &TenantId,
    id: WebhookId,
    rule: OneWebhookRule,
) -> Result<Option<Webhook>, Unavailable> {
    let of_one = rule.clone();
    let of_all: WebhookRule = Arc::new(move |all| {
        if let Some(webhook) = all.iter_mut().find(|webhook| webhook.id == id) {
            of_one(webhook);
        }
    });
    let before = webhooks.change_webhooks(tenant, of_all).await?;
    match before.into_iter().find(|webhook| webhook.id == id) {
        Some(webhook) => Ok(Some(webhook)),
        None => {
            webhooks
                .change_webhook_of_batch(tenant, id.as_batch(), rule)
                .await
        }
    }
}
