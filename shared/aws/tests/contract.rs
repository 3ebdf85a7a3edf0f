//! The contract suite on DynamoDB and S3, as emulators that need no installation speak them. There is
//! none of SQS: its cases run on MiniStack (`tests/ministack.rs`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod emulators;
mod support;

use std::sync::Arc;

use assetmill_aws::Clients;
use assetmill_contract::memory::{MemoryQueue, RuntimeClock};
use assetmill_contract::suite::{MAX_RECEIVES, Part, VISIBILITY, run_parts};
use support::Queues;

fn main() {
    if std::env::var_os("AWS_ENDPOINT_URL_DYNAMODB").is_none() {
        let ended = emulators::run_again_with_emulators();
        std::process::exit(ended.code().unwrap_or(1));
    }
    run_parts("aws", &[Part::Rows, Part::Outputs], &[], || async {
        let clock = Arc::new(RuntimeClock::default());
        let queue = Arc::new(MemoryQueue::new(clock, VISIBILITY, MAX_RECEIVES));
        // Not asked: the cases of queues are left out.
        let queues = Queues {
            queue: queue.clone(),
            deliveries: queue.clone(),
            dead_letters: queue.dead_letters(),
        };
        let clients = Clients::from_env().await;
        support::adapters(&clients, &support::names(), queues).await
    })
}
