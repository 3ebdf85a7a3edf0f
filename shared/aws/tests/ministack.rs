//! The contract suite on AWS's protocols, and what comes of events on a bus, at the server that `AWS_ENDPOINT_URL` names: MiniStack in CI.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod event_bus;
mod support;

use std::sync::Arc;

use assetmill_aws::resources::{self, Names, RedriveSettings};
use assetmill_aws::{Clients, Queue};
use assetmill_contract::suite::{MAX_RECEIVES, Part, VISIBILITY, trials};
use libtest_mimic::{Arguments, Trial};
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
    let mut trials = trials("aws", &Part::ALL, &[], || async {
        let clients = Clients::from_env().await;
        let names = support::names();
        let queues = queues(&clients, &names).await;
        support::adapters(&clients, &names, queues).await
    });
    trials.push(Trial::test("aws::bus::rules_find_what_is_told", || {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(event_bus::rules_find_what_is_told());
        Ok(())
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
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
