//! SQLite and the folder keep the contract of the ports.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use assetmill_contract::suite::{self, Adapters, MAX_RECEIVES, VISIBILITY};
use assetmill_core::ports::SystemClock;
use assetmill_sqlite::{QueueSettings, Store};

fn main() {
    suite::run("sqlite_and_folder", || async {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Arc::new(SystemClock)).await;
        let store = store.unwrap();
        let queue = Arc::new(store.queue(QueueSettings::flows(VISIBILITY, MAX_RECEIVES)));
        Adapters {
            flows: Arc::new(store.flows()),
            result_cache: Arc::new(store.result_cache()),
            keys: Arc::new(store.idempotency_keys()),
            gates: Arc::new(store.gates()),
            activity: Arc::new(store.activity_log()),
            webhooks: Arc::new(store.webhooks()),
            outputs: Arc::new(store.outputs()),
            queue: queue.clone(),
            deliveries: queue,
            dead_letters: Arc::new(store.dead_letters(VISIBILITY)),
            keep: Box::new(folder),
        }
    })
}
