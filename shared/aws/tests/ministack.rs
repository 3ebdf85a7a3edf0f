//! The contract suite on AWS's protocols at the server that `AWS_ENDPOINT_URL` names: MiniStack in CI.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use assetmill_aws::resources::{self, Names, RedriveSettings};
use assetmill_aws::{Clients, Queue};
use assetmill_contract::suite::{MAX_RECEIVES, VISIBILITY, run};
use support::Queues;

/// How the suite wants its queue.
const REDRIVE: RedriveSettings = RedriveSettings {
    visibility: VISIBILITY,
    max_receives: MAX_RECEIVES,
};

fn main() {
    let endpoint = std::env::var("AWS_ENDPOINT_URL");
    endpoint
        .expect("AWS_ENDPOINT_URL names no server; these cases never run on an account by mistake");
    run("aws", || async {
        let clients = Clients::from_env().await;
        let names = support::names();
        let queues = queues(&clients, &names).await;
        support::adapters(&clients, &names, queues).await
    })
}

/// New queues.
async fn queues(clients: &Clients, names: &Names) -> Queues {
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
