//! Endpoints of tenants, what they are told, and who tells them.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Unavailable;
use crate::{
    BatchId, DeliveryId, Signed, TenantId, Webhook, WebhookAnswer, WebhookDelivery, WebhookId,
    WebhookUrl,
};

/// Where it is noted what endpoints are to be told: what follows from a completion has to find it beside the flows.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The endpoints of a tenant, in the order in which they were made. MUST see every change that was answered
    /// before, and none of another tenant's.
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable>;

    /// Notes deliveries; where there is a bus, those to it may be told at once in place of that. MUST leave a row alone that is there:
    /// what became of it stays. After an error some may be written.
    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable>;

    /// Whether there is [a bus](super::EventBus), which [has to be told](crate::WebhookId::BUS) of everything that happens,
    /// whoever else is: who notes what endpoints are told notes that too.
    fn has_bus(&self) -> bool {
        false
    }
}

/// Changes endpoints, and keeps what became of what they are told, for [`WebhookDelivery::KEPT_FOR`] at the most.
#[async_trait]
pub trait Webhooks: Outbox {
    /// Changes the endpoints of a tenant by a rule, as if nobody else changed them meanwhile: of two changes at the same
    /// time, one MUST be applied to what the other made. Answers the endpoints as they were before. What was noted before
    /// for an endpoint that is gone afterwards MUST NOT be [due](Self::due_deliveries) any more; what somebody notes later, who
    /// had read the endpoints before, MAY be: whoever finds it due gives it up.
    async fn change_webhooks(
        &self,
        tenant: &TenantId,
        rule: WebhookRule,
    ) -> Result<Vec<Webhook>, Unavailable>;

    /// The endpoints of all tenants, without those of batches. MAY lag behind changes.
    async fn all_webhooks(&self) -> Result<Vec<Webhook>, Unavailable>;

    /// One endpoint: of the tenant, or of one of its batches that is kept. MUST answer `None` for one of another tenant,
    /// and MUST see every change that was answered before.
    async fn webhook(
        &self,
        tenant: &TenantId,
        id: WebhookId,
    ) -> Result<Option<Webhook>, Unavailable>;

    /// Changes the endpoint of a batch by a rule, as [`change_webhooks`](Self::change_webhooks) does those of a tenant.
    /// Answers it as it was before; `None` if the tenant has no such batch, or the batch no endpoint.
    async fn change_webhook_of_batch(
        &self,
        tenant: &TenantId,
        batch: BatchId,
        rule: OneWebhookRule,
    ) -> Result<Option<Webhook>, Unavailable>;

    /// One delivery. MUST answer `None` for one that does not exist or belongs to another tenant or endpoint, and MUST
    /// see every write that was answered before.
    async fn delivery(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<WebhookDelivery>, Unavailable>;

    /// Writes a delivery in the place of the one that has the revision before its own. Whether it did: MUST NOT where
    /// the row has another revision, or there is none.
    async fn replace_delivery(&self, delivery: &WebhookDelivery) -> Result<bool, Unavailable>;

    /// Up to `limit` deliveries to an endpoint, by their ids from the last on, those before `before`. MAY lag behind
    /// writes. MUST answer none to an endpoint of another tenant.
    async fn deliveries(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable>;

    /// Up to `each` deliveries of every endpoint, also of batches, the earliest first, that
    /// [are due](WebhookDelivery::due_at) at `now` or before, whatever is due of others. Of a tenant with more than
    /// [`DUE_ENDPOINTS`] such endpoints it MAY name those that wait longest alone; of batches, those that an adapter
    /// looks through at once. MAY lag behind writes; MUST name each of them in the end, also of an endpoint that is
    /// disabled, if it is of an event that the endpoint asked for.
    async fn due_deliveries(
        &self,
        now: Timestamp,
        each: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable>;

    /// Up to `limit` deliveries to [the bus](crate::WebhookId::BUS), the earliest first, that are due at `now` or before. MAY
    /// lag behind writes; MUST name each of them in the end.
    async fn due_to_bus(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<WebhookDelivery>, Unavailable>;
}

/// How many endpoints of one tenant a search for what is due names at the least, where there are so many: more than are
/// told at the same time, which may be among them.
pub const DUE_ENDPOINTS: usize = 128;

/// What a change makes of the endpoints of a tenant. MUST make the same of the same each time: adapters may try it on
/// what turns out to have changed.
pub type WebhookRule = Arc<dyn Fn(&mut Vec<Webhook>) + Send + Sync>;

/// What a change makes of one endpoint. MUST make the same of the same each time, as [`WebhookRule`] does.
pub type OneWebhookRule = Arc<dyn Fn(&mut Webhook) + Send + Sync>;

/// Tells endpoints.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Posts a payload with what it is [signed](Signed) with. MUST follow no redirect, reach no address that callers
    /// should not, and end after 15 seconds or little more. What was answered with whichever status; or in words why
    /// there was no answer, which MUST NOT tell of the network behind it.
    async fn send(&self, url: &WebhookUrl, signed: Signed) -> Result<WebhookAnswer, String>;
}
