use std::sync::Arc;

use assetmill_aws::resources::{ResourceError, find_queues};
use assetmill_aws::{Bucket, Clients, Queue, Table};
use assetmill_core::ports::Clock;
use axum::Router;

use super::Adapters;
use crate::config::Resources;

/// Everything on AWS, or on what the SDK's variables name in its place.
///
/// # Errors
/// [`ResourceError`] when the queues are not found.
pub async fn on_aws(
    resources: &Resources,
    clock: Arc<dyn Clock>,
) -> Result<Adapters, ResourceError> {
    let clients = Clients::from_env().await;
    let names = resources.names();
    let urls = find_queues(&clients, &names).await?;
    let table = Table::new(&clients, names.table, clock.clone(), resources.retention());
    let bucket = Arc::new(Bucket::new(&clients, names.bucket, clock));
    let queue = Arc::new(Queue::new(&clients, urls.queue));
    Ok(Adapters {
        flows: Arc::new(table.flows()),
        works: Arc::new(table.works()),
        outputs: bucket.clone(),
        links: bucket.clone(),
        queue: queue.clone(),
        deliveries: queue.clone(),
        // Other processes may hold flows too; how often a message came counts its deaths.
        quarantine: None,
        dead_letters: Arc::new(Queue::new(&clients, urls.dead_letters)),
        probes: vec![Arc::new(table), bucket, queue],
        // S3 hands out outputs itself.
        routes: Router::new(),
    })
}
