use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use assetmill_api::InFlight;
use assetmill_core::ports::Clock;
use assetmill_sqlite::{OpenError, QueueSettings, Store};
use url::Url;

use super::Adapters;
use crate::links::{self, SignedLinks, SignedUploads};

/// How long a message stays invisible: longer than the lease of its flow.
const VISIBILITY: Duration = Duration::from_secs(200);
/// How often a message is delivered before it is a dead letter.
const MAX_RECEIVES: u32 = 5;

/// Why nothing can be kept in the folder.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The folder can't be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The signing key can't be used.
    #[error("the signing key can't be used: {0}")]
    SigningKey(#[from] hmac::digest::InvalidLength),
}

/// Everything in SQLite and a folder. Of one tenant, `most_of_one` flows are in the works at the same time.
///
/// # Errors
/// [`EmbeddedError`] when the folder can't be used.
pub fn in_folder(
    store: &Store,
    public_url: &Url,
    most_of_one: NonZeroUsize,
    clock: Arc<dyn Clock>,
    in_flight: InFlight,
) -> Result<Adapters, EmbeddedError> {
    let key = store.folder().signing_key()?;
    let links = SignedLinks::new(&key, public_url.clone(), clock)?;
    let outputs = store.outputs();
    let uploads = SignedUploads::new(links.clone(), outputs.clone());
    let settings = QueueSettings::flows(VISIBILITY, MAX_RECEIVES).most_of_one(most_of_one);
    let queue = Arc::new(store.queue(settings));
    Ok(Adapters {
        flows: Arc::new(store.flows()),
        result_cache: Arc::new(store.result_cache()),
        keys: Arc::new(store.idempotency_keys()),
        gates: Arc::new(store.gates()),
        activity: Arc::new(store.activity_log()),
        webhooks: Arc::new(store.webhooks()),
        outputs: Arc::new(outputs.clone()),
        uploads: Arc::new(outputs.clone()),
        links: Arc::new(links.clone()),
        upload_links: Arc::new(uploads.clone()),
        queue: queue.clone(),
        deliveries: queue,
        quarantine: Some(Arc::new(store.quarantine(VISIBILITY))),
        dead_letters: Arc::new(store.dead_letters(VISIBILITY)),
        probes: vec![Arc::new(store.probe()), Arc::new(outputs.clone())],
        routes: links::router(links, outputs).merge(uploads.router(in_flight.clone())),
        in_flight,
    })
}
