//! The endpoints of a tenant.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ports::{Clock, Unavailable, Webhooks};
use crate::{
    DeliveryId, TenantId, Webhook, WebhookDelivery, WebhookEvent, WebhookId, WebhookSecret,
    WebhookUrl,
};

/// How often a replay is tried anew on a delivery that is changed meanwhile.
const TRIES: usize = 8;

/// Makes and removes endpoints, and has them told again.
#[derive(Clone)]
pub struct ManageWebhooks {
    /// Endpoints.
    pub webhooks: Arc<dyn Webhooks>,
    /// The time.
    pub clock: Arc<dyn Clock>,
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
        let rotates = move |webhook: &mut Webhook| webhook.rotate(secret.clone(), now);
        let rule = {
            let rotates = rotates.clone();
            move |all: &mut Vec<Webhook>| all.iter_mut().filter(|it| it.id == id).for_each(&rotates)
        };
        let before = self.webhooks.change_webhooks(tenant, Arc::new(rule));
        let rotated = before.await?.into_iter().find(|webhook| webhook.id == id);
        Ok(rotated.map(|mut webhook| {
            rotates(&mut webhook);
            tracing::info!(%tenant, webhook_id = %id, "webhook has a new secret");
            webhook
        }))
    }

    /// Removes an endpoint: what it was not told yet it never is. Whether the tenant had it.
    pub async fn remove(&self, tenant: &TenantId, id: WebhookId) -> Result<bool, Unavailable> {
        let rule = move |all: &mut Vec<Webhook>| all.retain(|webhook| webhook.id != id);
        let before = self.webhooks.change_webhooks(tenant, Arc::new(rule));
        let had = before.await?.iter().any(|webhook| webhook.id == id);
        if had {
            tracing::info!(%tenant, webhook_id = %id, "webhook removed");
        }
        Ok(had)
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
        for _ in 0..TRIES {
            let Some(delivery) = self.webhooks.delivery(tenant, webhook, id).await? else {
                return Ok(None);
            };
            let replayed = delivery.replayed(self.clock.now());
            if self.webhooks.replace_delivery(&replayed).await? {
                return Ok(Some(replayed));
            }
        }
        Err(Unavailable::new(
            "webhooks",
            "others changed the delivery each time",
        ))
    }
}
