//! Adapters on resources of their own.

use std::sync::Arc;
use std::time::Duration;

use assetmill_aws::resources::{self, Names, RedriveSettings};
use assetmill_aws::{Bucket, Clients, Queue, Table};
use assetmill_contract::suite::{Adapters, MAX_RECEIVES, VISIBILITY};
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

/// How the suite wants its queue.
pub(crate) const REDRIVE: RedriveSettings = RedriveSettings {
    visibility: VISIBILITY,
    max_receives: MAX_RECEIVES,
};

/// The receiving and the sending ends of a queue, and the receiving end of its dead-letter queue.
pub(crate) struct Queues {
    pub(crate) queue: Arc<dyn FlowQueue>,
    pub(crate) deliveries: Arc<dyn FlowDeliveries>,
    pub(crate) dead_letters: Arc<dyn FlowDeliveries>,
}

/// Queues at a server.
pub(crate) async fn queues(clients: &Clients, names: &Names) -> Queues {
    let urls = resources::create_queues(clients, &names.queue, REDRIVE)
        .await
        .unwrap();
    let queue = Arc::new(Queue::new(clients, urls.queue));
    Queues {
        queue: queue.clone(),
        deliveries: queue,
        dead_letters: Arc::new(Queue::new(clients, urls.dead_letters)),
    }
}

/// A new table and a new bucket, with these queues.
pub(crate) async fn adapters(clients: &Clients, names: &Names, queues: Queues) -> Adapters {
    resources::create_stores(clients, names).await.unwrap();
    let clock = Arc::new(SystemClock);
    let table = Table::new(clients, &names.table, clock.clone(), RETENTION);
    Adapters {
        flows: Arc::new(table.flows()),
        works: Arc::new(table.works()),
        outputs: Arc::new(Bucket::new(clients, &names.bucket, clock)),
        queue: queues.queue,
        deliveries: queues.deliveries,
        dead_letters: queues.dead_letters,
        keep: Box::new(()),
    }
}
