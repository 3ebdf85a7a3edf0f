//! The bus of a deployment.

use async_trait::async_trait;

use crate::WebhookDelivery;

/// A bus that the events of all tenants go to.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Tells the bus, of any number of events. Answers for each of them, in their order, whether the bus has it, or in words
    /// why not, for the operator alone. MUST say that the bus has an event only if the bus said so; where that is unknown, it
    /// has not, and is told again. One that is refused MUST NOT keep others from being told. For up to 100 events it MUST
    /// end after three seconds, or little more, however the bus is: flows wait for it.
    async fn publish(&self, events: &[WebhookDelivery]) -> Vec<Result<(), String>>;

    /// Whether the bus is there: one that is not MAY [take](Self::publish) what nobody will ever hear of. MUST say that it is not
    /// only where that is certain, and `None` where another moment may tell, and MUST end as soon as that does. One that
    /// does not let itself be asked counts as being there.
    async fn is_there(&self) -> Option<bool>;
}
