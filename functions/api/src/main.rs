//! The Lambda function `api`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use assetmill_api::writes::{Readiness, Uploads, WriteState};
use assetmill_api::{InFlight, docs, layers, sample, writes};
use assetmill_core::Shares;
use assetmill_core::ports::{OutputLinks, Probe};
use assetmill_core::usecases::{
    Cancel, ManageWebhooks, MessageHandler, Meter, Once, Retry, RunSynchronously, Submit,
    TimeLimits,
};
use assetmill_lambda::callers::callers;
use assetmill_lambda::environment::{Environment, invalid};
use assetmill_lambda::http::{MAX_ANSWER_BYTES, MAX_INLINE_BYTES, MAX_ROWS, operators};
use assetmill_lambda::processing::Processing;
use assetmill_lambda::records::MAX_HOPS;
use assetmill_lambda::start::{StartError, start};
use assetmill_lambda::stores::{LINK_LIFETIME, Stores};
use tokio_util::task::TaskTracker;
use utoipa::openapi::OpenApi;

/// Outlives the function's timeout in template.yaml, and no more: an attempt that its caller did not
/// wait for is frozen with the function, and a worker takes over once its lease ended. No paid call is begun
/// that may be frozen so.
const LEASE: Duration = Duration::from_secs(35);
/// How long callers of v1 are kept waiting. API Gateway gives up after 30 seconds
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>), and what is
/// unfinished has to be handed to the queue before.
const ANSWER_WITHIN: Duration = Duration::from_secs(22);
const LONGEST_ANSWER: u64 = 24;
/// Of every function, and not of this one alone.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// A Lambda's payload is at most 6 MB, and a body that is no text comes in base64, with the event around it
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MAX_UPLOAD_BYTES: usize = 4 * 1024 * 1024;

/// How many flows run while their callers wait. What they take of memory is bounded by itself
/// ([`Capacity`](assetmill_lambda::capacity::Capacity)).
const MOST_AT_ONCE: u64 = 16;

fn main() -> ExitCode {
    if let Some(ended) = assetmill_images::sandbox::run_if_child() {
        return ended;
    }
    start(run)
}

async fn run(environment: Environment) -> Result<(), StartError> {
    let stores = Stores::new(&environment).await;
    let meter = stores.meter()?;
    let state = state(&environment, &stores, &meter)?;
    let document: OpenApi = serde_json::from_str(DOCUMENT)?;
    let router = layers::metered(writes::router(state), meter)
        .merge(sample::router())
        .merge(assetmill_console::router())
        .merge(docs::router_anywhere(document));
    let router = layers::around(layers::bounded(router, MAX_ANSWER_BYTES));
    lambda_http::run(router).await
}

fn state(
    environment: &Environment,
    stores: &Stores,
    meter: &Meter,
) -> Result<WriteState, StartError> {
    let processing = Processing::new(environment)?;
    let limits = TimeLimits {
        lease: LEASE,
        hops: Some(MAX_HOPS),
        stops_when_answered: true,
        ..TimeLimits::default()
    };
    let process = processing.process(stores, limits, meter)?;
    let (table, bucket, queue) = (stores.table()?, stores.bucket()?, stores.queue()?);
    let keys = table.idempotency_keys();
    let gates = Arc::new(table.gates());
    let webhooks = ManageWebhooks {
        webhooks: Arc::new(table.webhooks()),
        clock: stores.clock(),
        announcer: stores.announcer(),
    };
    let callers = callers(environment)?;
    let mut probes: Vec<Arc<dyn Probe>> = vec![
        Arc::new(table),
        Arc::new(bucket.clone()),
        Arc::new(queue.clone()),
    ];
    if let Some(announcer) = stores.announcer() {
        probes.push(Arc::new(announcer));
    }
    let submit = Submit {
        flows: process.flows.clone(),
        queue: Arc::new(queue),
        clock: stores.clock(),
    };
    Ok(WriteState {
        answer: RunSynchronously {
            submit: submit.clone(),
            work: MessageHandler {
                process,
                queue: submit.queue.clone(),
            },
            permits: Shares::new(MOST_AT_ONCE, MOST_AT_ONCE),
            attempts: TaskTracker::new(),
            answer_within: answer_within(environment)?,

            keeps: false,
            meter: meter.clone(),
        },
        cancel: Cancel {
            flows: submit.flows.clone(),
            catalogue: processing.catalogue.clone(),
            gates: gates.clone(),
            clock: stores.clock(),
        },
        retry: Retry {
            submit: submit.clone(),
            catalogue: processing.catalogue.clone(),
        },
        once: Once {
            submit: submit.clone(),
            keys: Arc::new(keys),
        },
        submit,
        webhooks,
        catalogue: processing.catalogue,
        outputs: Arc::new(bucket.clone()),
        links: Arc::new(bucket.clone()) as Arc<dyn OutputLinks>,
        upload_links: Arc::new(bucket),
        readiness: Readiness::new(probes),
        operators: operators(environment, &callers)?,
        callers,
        gates,
        in_flight: InFlight::unbounded(),
        link_lifetime: LINK_LIFETIME,
        max_inline_bytes: Some(MAX_INLINE_BYTES),
        max_rows: MAX_ROWS,
        uploads: Uploads {
            max_bytes: MAX_UPLOAD_BYTES,
            max_announced: processing.max_asset_bytes,
            kept_for: Uploads::kept_for(Some(stores.retention()?)),
            fresh_for: Uploads::fresh_for(Some(stores.retention()?)),
        },
    })
}

fn answer_within(environment: &Environment) -> Result<Duration, StartError> {
    const NAME: &str = "ASSETMILL_ANSWER_WITHIN";
    match environment.read(NAME)? {
        None => Ok(ANSWER_WITHIN),
        Some(seconds @ 1..=LONGEST_ANSWER) => Ok(Duration::from_secs(seconds)),
        Some(_) => {
            let fault = format!("give 1 to {LONGEST_ANSWER} seconds: API Gateway waits for 30");
            Err(invalid(NAME, &fault).into())
        }
    }
}
