//! The program put together: a function of its configuration.

use std::sync::Arc;
use std::time::Duration;

use assetmill_api::reads::{self, ReadState};
use assetmill_api::writes::{self, Readiness, Uploads, WriteState};
use assetmill_api::{Callers, docs, layers, openapi, sample};
use assetmill_core::ports::{Clock, FlowDeliveries, Gates, Webhooks};
use assetmill_core::usecases::{
    Alike, Cancel, DeliverWebhooks, FailDeadLetter, ManageWebhooks, MessageHandler, Meter, Once,
    Pacer, Process, Retry, RunSynchronously, Submit, Sweep, TimeLimits,
};
use assetmill_core::{Catalogue, MAX_BATCH, Shares};
use assetmill_fetch::{Fetcher, GuardedClient, Memory, WebhookClient};
use axum::Router;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::adapters::Adapters;
use crate::callers::CallersError;
use crate::config::{Config, ConfigError};
use crate::gate::Gate;
use crate::samples::WithSample;

/// How long result URLs live.
const LINK_LIFETIME: Duration = Duration::from_hours(1);
/// How many rows are read at once for an answer: while it is sent, nobody else waits long for the reader.
const ROWS_AT_ONCE: usize = 100;
/// How old a batch must be before the sweep takes care of it: callers of v1 wait for less.
const GRACE: Duration = Duration::from_mins(1);

/// The parts of the program.
pub struct App {
    /// Every route.
    pub router: Router,
    /// What handles messages.
    pub work: MessageHandler,
    /// The attempts that are made while callers wait.
    pub attempts: TaskTracker,
    /// What counts what happens.
    pub meter: Meter,
    /// What handles dead letters.
    pub fail_dead_letter: FailDeadLetter,
    /// What finishes half-sent batches.
    pub sweep: Sweep,
    /// What tells endpoints.
    pub deliver_webhooks: DeliverWebhooks,
    /// The receiving end of the queue.
    pub deliveries: Arc<dyn FlowDeliveries>,
    /// Flows that are tried alone, after all others.
    pub quarantine: Option<Arc<dyn FlowDeliveries>>,
    /// The receiving end of the dead-letter queue.
    pub dead_letters: Arc<dyn FlowDeliveries>,
}

/// Why the program can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A setting is not what it may be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Who may call can't be told.
    #[error(transparent)]
    Callers(#[from] CallersError),
}

impl App {
    /// Puts the program together on its adapters.
    ///
    /// # Errors
    /// [`AppError`] when something that it needs can't be used.
    pub fn new(
        config: &Config,
        public_url: &Url,
        adapters: Adapters,
        clock: Arc<dyn Clock>,
        client: GuardedClient,
        memory: &Memory,
        catalogue: Catalogue,
    ) -> Result<Self, AppError> {
        let Adapters {
            flows: rows,
            result_cache,
            keys,
            gates,
            activity,
            webhooks,
            outputs,
            uploads: uploaded,
            links,
            upload_links,
            queue,
            deliveries,
            quarantine,
            dead_letters,
            probes,
            routes,
            in_flight,
        } = adapters;
        let meter = Meter::new(activity.clone(), clock.clone());
        let flows = meter.around(rows.clone());
        let callers = config.callers()?;
        let (webhooks, deliver_webhooks) = of_webhooks(webhooks, &client, &clock);
        let fetcher =
            fetcher(config, client, memory, &callers).with_uploads(uploaded, links.clone());
        let submit = Submit {
            flows: flows.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
        };
        let (cancel, retry) = of_batches(&submit, &catalogue, &gates);
        let alone = quarantine.is_some();
        let process = Process {
            flows: flows.clone(),
            sources: Arc::new(WithSample::new(public_url, fetcher)),
            result_cache,
            outputs: outputs.clone(),
            catalogue: catalogue.clone(),
            alike: Alike::default(),
            pacer: pacer(alone, gates.clone(), clock.clone()).beside_workers(config.workers.get()),
            clock: clock.clone(),
            limits: time_limits(alone),
        };
        let work = MessageHandler { process, queue };
        let gate = gate(&callers, public_url);
        let writes = WriteState {
            submit: submit.clone(),
            once: Once {
                submit: submit.clone(),
                keys,
            },
            answer: answer(config, submit.clone(), work.clone(), meter.clone()),
            cancel,
            retry,
            webhooks,
            catalogue: catalogue.clone(),
            outputs,
            links: links.clone(),
            readiness: Readiness::new(probes),
            operators: config.operators(&callers)?,
            gates: gates.clone(),
            callers: callers.clone(),
            in_flight: in_flight.clone(),
            link_lifetime: LINK_LIFETIME,
            max_inline_bytes: None,
            max_rows: MAX_BATCH,
            uploads: uploads(config),
            upload_links,
        };
        let attempts = writes.answer.attempts.clone();
        let reads = ReadState {
            flows: rows,
            links,
            catalogue,
            gates,
            activity,
            clock: clock.clone(),
            callers,
            in_flight,
            link_lifetime: LINK_LIFETIME,
            max_rows: MAX_BATCH,
            rows_at_once: ROWS_AT_ONCE,
        };
        Ok(Self {
            router: router(writes, reads, routes, public_url, gate),
            work,
            attempts,
            meter,
            fail_dead_letter: FailDeadLetter { flows, clock },
            sweep: Sweep {
                submit,
                grace: GRACE,
            },
            deliver_webhooks,
            deliveries,
            quarantine,
            dead_letters,
        })
    }
}

/// `alone` is whether no functions or other programs take flows of the same queue, as they may on AWS.
fn pacer(alone: bool, gates: Arc<dyn Gates>, clock: Arc<dyn Clock>) -> Pacer {
    if alone {
        Pacer::new(gates, clock)
    } else {
        Pacer::beside_others(gates, clock)
    }
}

fn time_limits(alone: bool) -> TimeLimits {
    TimeLimits {
        // The quarantine knows better.
        most_abandoned: (!alone).then_some(TimeLimits::MOST_ABANDONED),
        early: if alone {
            Duration::ZERO
        } else {
            TimeLimits::EARLY_BY_SECONDS
        },
        ..TimeLimits::default()
    }
}

fn gate(callers: &Callers, public_url: &Url) -> Gate {
    if callers.is_open() {
        Gate::of_this_machine(public_url)
    } else {
        Gate::of_any_name()
    }
}

fn uploads(config: &Config) -> Uploads {
    let most = config.max_asset_bytes.as_u64();
    Uploads {
        max_bytes: usize::try_from(most).unwrap_or(usize::MAX),
        max_announced: most,
        kept_for: Uploads::kept_for(config.retention()),
        fresh_for: Uploads::fresh_for(config.retention()),
    }
}

/// What cancels flows, and what runs them again.
fn of_batches(submit: &Submit, catalogue: &Catalogue, gates: &Arc<dyn Gates>) -> (Cancel, Retry) {
    let cancel = Cancel {
        flows: submit.flows.clone(),
        catalogue: catalogue.clone(),
        gates: gates.clone(),
        clock: submit.clock.clone(),
    };
    let retry = Retry {
        submit: submit.clone(),
        catalogue: catalogue.clone(),
    };
    (cancel, retry)
}

/// What makes and removes endpoints, and what tells them.
fn of_webhooks(
    webhooks: Arc<dyn Webhooks>,
    client: &GuardedClient,
    clock: &Arc<dyn Clock>,
) -> (ManageWebhooks, DeliverWebhooks) {
    let manage = ManageWebhooks {
        webhooks: webhooks.clone(),
        clock: clock.clone(),
        announcer: None,
    };
    let deliver = DeliverWebhooks {
        webhooks,
        sender: Arc::new(WebhookClient::new(client.clone())),
        clock: clock.clone(),
    };
    (manage, deliver)
}

fn fetcher(config: &Config, client: GuardedClient, memory: &Memory, callers: &Callers) -> Fetcher {
    Fetcher::new(client, config.fetch_limits(), config.origin_limits())
        .within(memory)
        .with_tenant_limits(Arc::new(callers.clone()))
}

fn answer(config: &Config, submit: Submit, work: MessageHandler, meter: Meter) -> RunSynchronously {
    let permits = config.workers.get() as u64;
    RunSynchronously {
        submit,
        work,
        // Callers who wait don't stand in line behind a large batch, nor behind another tenant's calls.
        permits: Shares::new(2 * permits, permits),
        attempts: TaskTracker::new(),
        answer_within: config.answer_within(),
        keeps: config.keep_v1,
        meter,
    }
}

fn router(
    writes: WriteState,
    reads: ReadState,
    own: Router,
    public_url: &Url,
    gate: Gate,
) -> Router {
    let document = docs::served_at(openapi(), public_url.as_str());
    let routes = writes::router(writes)
        .merge(reads::router(reads))
        .merge(own)
        .merge(sample::router())
        .merge(assetmill_console::router())
        .merge(docs::router(document));
    layers::around_with(routes, move |head| gate.check(head))
}
