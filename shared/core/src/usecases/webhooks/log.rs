//! What an endpoint was told.

use super::{ManageWebhooks, PAGE};
use crate::ports::Unavailable;
use crate::{DeliveryFilter, DeliveryId, TenantId, WebhookDelivery, WebhookId};

/// How many deliveries are looked through for one page: who looks for what is rare asks once more.
const LOOKED_THROUGH: usize = 1_000;

/// A page of what an endpoint was told.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryLog {
    /// The deliveries, of what happened last first.
    pub deliveries: Vec<WebhookDelivery>,
    /// After which of them to go on, where there may be more.
    pub next: Option<DeliveryId>,
}

impl ManageWebhooks {
    /// Up to `limit` deliveries to an endpoint that a filter means, from the one after `before` on. Of 1,000 deliveries that
    /// are looked through, there may be fewer, and none, and more after them.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn log(
        &self,
        tenant: &TenantId,
        webhook: WebhookId,
        filter: DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<DeliveryLog, Unavailable> {
        // One more than asked for tells whether there is a next page.
        let at_once = if filter == DeliveryFilter::default() {
            limit + 1
        } else {
            PAGE
        };
        let mut deliveries = Vec::new();
        let mut next = before;
        let mut looked_through = 0;
        while looked_through < LOOKED_THROUGH {
            let page = self.webhooks.deliveries(tenant, webhook, next, at_once);
            let page = page.await?;
            if page.is_empty() {
                return Ok(DeliveryLog {
                    deliveries,
                    next: None,
                });
            }
            looked_through += page.len();
            for delivery in page {
                let id = delivery.id;
                if filter.matches(&delivery) {
                    if deliveries.len() == limit {
                        return Ok(DeliveryLog { deliveries, next });
                    }
                    deliveries.push(delivery);
                }
                next = Some(id);
            }
        }
        Ok(DeliveryLog { deliveries, next })
    }
}
