//! Adapters on resources of their own.

use std::sync::Arc;
use std::time::Duration;

use assetmill_aws::resources::{self, Names};
use assetmill_aws::{Bucket, Clients, Table};
use assetmill_contract::suite::Adapters;
use assetmill_core::FlowId;
use assetmill_core::ports::{FlowDeliveries, FlowQueue, SystemClock};

const RETENTION: Duration = Duration::from_hours(24);

/// Names that nobody else has.
pub(crate) fn names() -> Names {
    let name = FlowId::generate().to_string();
    Names {
        table: name.clone(),
        bucket: name.clone(),
        queue: name,
    }
}

/// The receiving and the sending ends of a queue, and the receiving end of its dead-letter queue.
pub(crate) struct Queues {
    pub(crate) queue: Arc<dyn FlowQueue>,
    pub(crate) deliveries: Arc<dyn FlowDeliveries>,
    pub(crate) dead_letters: Arc<dyn FlowDeliveries>,
}

/// A new table and a new bucket, with these queues.
pub(crate) async fn adapters(clients: &Clients, names: &Names, queues: Queues) -> Adapters {
    resources::create_stores(clients, names).await.unwrap();
    let clock = Arc::new(SystemClock);
    let table = Table::new(clients, &names.table, clock.clone(), RETENTION);
    Adapters {
        flows: Arc::new(table.flows()),
        result_cache: Arc::new(table.result_cache()),
        keys: Arc::new(table.idempotency_keys()),
        gates: Arc::new(table.gates()),
        activity: Arc::new(table.activity_log()),
        webhooks: Arc::new(table.webhooks()),
        outputs: Arc::new(Bucket::new(clients, &names.bucket, clock)),
        queue: queues.queue,
        deliveries: queues.deliveries,
        dead_letters: queues.dead_letters,
        keep: Box::new(()),
    }
}
