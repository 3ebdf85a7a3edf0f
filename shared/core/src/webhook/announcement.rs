//! What the bus of a deployment is told: what endpoints are told, whoever asked for it, and whose it is.

use jiff::Timestamp;

use super::WebhookDelivery;
use crate::{Batch, Counts, Flow, OperationName, TenantId, WebhookId};

impl WebhookDelivery {
    /// What the bus is told of the settling of a flow: the same each time, id and all. Nothing of one that is not settled.
    pub fn announces_settled(flow: &Flow) -> Option<Self> {
        let settled_at = flow.status.settled_at()?;
        let told = Self::settled_to(&[WebhookId::BUS], flow, settled_at).pop()?;
        Some(told.announced_of(Some(&flow.tenant)))
    }

    /// What the bus is told of how far a batch is: once in half a second, by the id.
    pub fn announces_progress(batch: &Batch, counts: Counts, now: Timestamp) -> Option<Self> {
        let told = Self::of_progress(&[WebhookId::BUS], batch, counts, now).pop()?;
        Some(told.announced_of(Some(&batch.tenant)))
    }

    /// What the bus is told of the completion of a batch, whose flows ended so: the same each time, id and all.
    pub fn announces_completion(batch: &Batch, counts: Counts) -> Self {
        let told = Self::completion_to(WebhookId::BUS, &batch.tenant, batch, counts);
        told.announced_of(Some(&batch.tenant))
    }

    /// What the bus is told of an operation that is paused since then: the same each time, id and all. It is about no
    /// tenant; its row is that of the operator who paused it.
    pub fn announces_pause(
        operator: &TenantId,
        operation: &OperationName,
        since: Timestamp,
    ) -> Self {
        Self::pause_to(WebhookId::BUS, operator, operation, since).announced_of(None)
    }

    /// With what an endpoint knows by a header and by being of one tenant: the id, and whose it is.
    fn announced_of(mut self, tenant: Option<&TenantId>) -> Self {
        // A payload is an object that is not empty, and neither an id nor a name has anything to escape.
        let members = self.payload.strip_prefix('{').unwrap_or_default();
        let tenant = tenant.map_or_else(String::new, |tenant| format!(r#""tenant":"{tenant}","#));
        self.payload = format!(r#"{{"id":"{}",{tenant}{members}"#, self.id);
        self
    }
}
