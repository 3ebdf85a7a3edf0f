use std::sync::Arc;
use std::time::Duration;

use assetmill_aws::resources::{ResourceError, find_queues};
use assetmill_aws::{Bucket, Clients, Queue, Table};
use assetmill_core::ports::Clock;
use axum::Router;

use super::names;
use crate::adapters::Adapters;
use crate::config::Config;

/// How long a message of a process that was killed stays out of sight. An attempt takes less: thirty seconds for
/// fetching, 130 for its operation, and its lease ends after three minutes. The queue's own is for functions.
const VISIBILITY: Duration = Duration::from_mins(4);

/// How long rows live where nothing is said of it: as long as in `template.yaml`.
const RETENTION: Duration = Duration::from_hours(24 * 30);

/// Everything on AWS, or on what the SDK's variables name in its place.
///
/// # Errors
/// [`ResourceError`] when the queues are not found.
pub(super) async fn on_aws(
    clients: &Clients,
    config: &Config,
    clock: Arc<dyn Clock>,
) -> Result<Adapters, ResourceError> {
    let names = names(&config.resources);
    let urls = find_queues(clients, &names).await?;
    let table = Table::new(
        clients,
        names.table,
        clock.clone(),
        config.retention().unwrap_or(RETENTION),
    );
    let bucket = Arc::new(Bucket::new(clients, names.bucket, clock));
    let visible_again = |url| Queue::new(clients, url).received_for(VISIBILITY);
    let queue = Arc::new(visible_again(urls.queue));
    Ok(Adapters {
        flows: Arc::new(table.flows()),
        result_cache: Arc::new(table.result_cache()),
        keys: Arc::new(table.idempotency_keys()),
        gates: Arc::new(table.gates()),
        activity: Arc::new(table.activity_log()),
        webhooks: Arc::new(table.webhooks()),
        outputs: bucket.clone(),
        uploads: bucket.clone(),
        links: bucket.clone(),
        upload_links: bucket.clone(),
        queue: queue.clone(),
        deliveries: queue.clone(),
        // Other processes may hold flows too; how often a message came counts its deaths.
        quarantine: None,
        dead_letters: Arc::new(visible_again(urls.dead_letters)),
        probes: vec![Arc::new(table), bucket, queue],
        // S3 hands out outputs itself, and takes uploads.
        routes: Router::new(),
        in_flight: config.in_flight(),
    })
}
