//! The program put together: a function of its configuration.

use std::sync::Arc;
use std::time::Duration;

use assetmill_api::ApiState;
use assetmill_core::ports::{Clock, FlowQueue, FlowWrites, OutputLinks, OutputWrites, Probe};
use assetmill_core::usecases::{
    Answer, Bury, Cancel, Process, Retry, Submit, Sweep, TimeLimits, Work,
};
use assetmill_core::{Catalogue, MAX_BATCH};
use assetmill_http::{docs, layers};
use assetmill_operations::fetch::{FetchLimits, Fetcher, GuardedClient};
use assetmill_results::ResultsState;
use axum::Router;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use url::Url;
use utoipa::openapi::OpenApi;

use crate::config::{Config, ConfigError};
use crate::links::{self, SignedLinks};
use crate::samples::{self, WithSample};
use crate::store::{SqliteQueue, Store};

/// How long result URLs live.
const LINK_LIFETIME: Duration = Duration::from_hours(1);
/// How long a message stays invisible: longer than the lease of its flow.
const VISIBILITY: Duration = Duration::from_secs(200);
/// How often a message is delivered before it is a dead letter.
const MAX_RECEIVES: u32 = 5;
/// How old a batch must be before the sweep takes care of it: callers of v1 wait for less.
const GRACE: Duration = Duration::from_mins(1);

/// The parts of the program.
pub struct App {
    /// Every route.
    pub router: Router,
    /// What handles messages.
    pub work: Work,
    /// The attempts that are made while callers wait.
    pub attempts: TaskTracker,
    /// What handles dead letters.
    pub bury: Bury,
    /// What finishes half-sent batches.
    pub sweep: Sweep,
    /// The receiving end of the queue.
    pub queue: Arc<SqliteQueue>,
    /// The receiving end of the dead-letter queue.
    pub dead_letters: Arc<SqliteQueue>,
}

/// Why the program can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The folder can't be used.
    #[error(transparent)]
    Open(#[from] crate::store::OpenError),
    /// The signing key can't be used.
    #[error("the signing key can't be used: {0}")]
    SigningKey(#[from] hmac::digest::InvalidLength),
    /// A setting is not what it may be.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl App {
    /// Puts the program together on an open store.
    ///
    /// # Errors
    /// [`AppError`] when something that it needs can't be used.
    pub fn new(
        config: &Config,
        public_url: &Url,
        store: &Store,
        clock: Arc<dyn Clock>,
        client: GuardedClient,
        catalogue: Catalogue,
    ) -> Result<Self, AppError> {
        let flows: Arc<dyn FlowWrites> = Arc::new(store.flows());
        let outputs = store.outputs();
        let queue = Arc::new(store.queue(VISIBILITY, MAX_RECEIVES));
        let sending: Arc<dyn FlowQueue> = queue.clone();
        let links = SignedLinks::new(
            &store.folder().signing_key()?,
            public_url.clone(),
            clock.clone(),
        )?;
        let limits = FetchLimits {
            max_bytes: config.max_asset_bytes.as_u64(),
            ..FetchLimits::default()
        };
        let submit = Submit {
            flows: flows.clone(),
            queue: sending.clone(),
            clock: clock.clone(),
        };
        let process = Process {
            flows: flows.clone(),
            sources: Arc::new(WithSample::new(public_url, Fetcher::new(client, limits))),
            works: Arc::new(store.works()),
            outputs: Arc::new(outputs.clone()),
            catalogue: catalogue.clone(),
            clock: clock.clone(),
            limits: TimeLimits::default(),
        };
        let work = Work {
            process,
            queue: sending,
        };
        let attempts = TaskTracker::new();
        let callers = config.callers()?;
        let result_links: Arc<dyn OutputLinks> = Arc::new(links.clone());
        let api = ApiState {
            submit: submit.clone(),
            answer: Answer {
                submit: submit.clone(),
                work: work.clone(),
                // Callers who wait don't stand in line behind a large batch.
                places: Arc::new(Semaphore::new(config.workers())),
                attempts: attempts.clone(),
                answer_within: config.answer_within(),
            },
            cancel: Cancel {
                flows: flows.clone(),
                clock: clock.clone(),
            },
            retry: Retry {
                submit: submit.clone(),
                catalogue: catalogue.clone(),
            },
            catalogue: catalogue.clone(),
            outputs: Arc::new(outputs.clone()) as Arc<dyn OutputWrites>,
            links: result_links.clone(),
            probes: vec![
                Arc::new(store.probe()) as Arc<dyn Probe>,
                Arc::new(outputs.clone()),
            ],
            callers: callers.clone(),
            link_lifetime: LINK_LIFETIME,
            max_inline_bytes: None,
            max_rows: MAX_BATCH,
        };
        let results = ResultsState {
            flows: flows.clone(),
            links: result_links,
            catalogue,
            callers,
            link_lifetime: LINK_LIFETIME,
            max_rows: MAX_BATCH,
        };
        let own = links::router(links, outputs).merge(samples::router());
        Ok(Self {
            router: router(api, results, own, public_url),
            work,
            attempts,
            bury: Bury { flows, clock },
            sweep: Sweep {
                submit,
                grace: GRACE,
            },
            queue,
            dead_letters: Arc::new(store.dead_letters(VISIBILITY)),
        })
    }
}

/// The OpenAPI document of all functions, with examples for a program at its default address.
pub fn openapi() -> OpenApi {
    let mut document = assetmill_api::openapi();
    document.merge(assetmill_results::openapi());
    document
}

fn router(api: ApiState, results: ResultsState, own: Router, public_url: &Url) -> Router {
    let document = docs::served_at(openapi(), public_url.as_str());
    let routes = assetmill_api::router(api)
        .merge(assetmill_results::router(results))
        .merge(own)
        .merge(docs::router(document));
    layers::around(routes)
}
