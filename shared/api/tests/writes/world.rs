//! The routes over ports in memory, with assets and operations that behave as their names say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use assetmill_api::writes::{Readiness, Uploads, WriteState, router};
use assetmill_api::{Callers, InFlight, Operators, layers};
use assetmill_contract::memory::{
    MemoryActivityLog, MemoryFlows, MemoryGates, MemoryIdempotencyKeys, MemoryOutputs, MemoryQueue,
    MemoryResultCache, RuntimeClock,
};
use assetmill_core::ports::{FlowDeliveries as _, Probe, Sources, Unavailable};
use assetmill_core::usecases::{
    Alike, Cancel, ManageWebhooks, MessageHandler, Meter, Once, Pacer, Process, Retry,
    RunSynchronously, Submit, TimeLimits,
};
use assetmill_core::{
    Asset, AssetUrl, Availability, Catalogue, Cost, FailureCode, MediaType, Operation,
    OperationDescription, OperationError, ParamKind, ParamSpec, ParamValue, Params, ParamsSchema,
    Product, RetryPolicy, Shares, TenantId,
};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use http::Request;
use tokio_util::task::TaskTracker;

use crate::support::{self, Answer as HttpAnswer};

pub(crate) const ASSET: &str = "https://assets.test/coffee.png";
/// The bytes of the asset `/large`: more than a request takes of the memory of what is on its way.
pub(crate) const LARGE: usize = 100_000;
pub(crate) const ACME: &str = "0123456789abcdef";
pub(crate) const GLOBEX: &str = "fedcba9876543210";

/// Everything behind the routes.
pub(crate) struct World {
    pub(crate) state: WriteState,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) outputs: Arc<MemoryOutputs>,
    pub(crate) activity: Arc<MemoryActivityLog>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(RuntimeClock::default());
        let flows = Arc::new(MemoryFlows::default());
        let outputs = Arc::new(MemoryOutputs::default());
        let queue = Arc::new(MemoryQueue::new(clock.clone(), Duration::from_secs(30), 3));
        let activity = Arc::new(MemoryActivityLog::default());
        let meter = Meter::new(activity.clone(), clock.clone());
        let webhooks = ManageWebhooks {
            webhooks: flows.webhooks(),
            clock: clock.clone(),
            announcer: None,
        };
        let flows = meter.around(flows);
        let submit = Submit {
            flows: flows.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
        };
        let gates = Arc::new(MemoryGates::default());
        let process = Process {
            flows: flows.clone(),
            sources: Arc::new(Assets),
            result_cache: Arc::new(MemoryResultCache::default()),
            outputs: outputs.clone(),
            catalogue: catalogue(Cost::Free),
            alike: Alike::default(),
            pacer: Pacer::new(gates.clone(), clock.clone()),
            clock: clock.clone(),
            limits: TimeLimits::default(),
        };
        let state = WriteState {
            webhooks,
            answer: RunSynchronously {
                submit: submit.clone(),
                work: MessageHandler {
                    process,
                    queue: queue.clone(),
                },
                permits: Shares::new(4, 4),
                attempts: TaskTracker::new(),
                answer_within: Duration::from_millis(500),

                keeps: false,
                meter,
            },
            cancel: Cancel {
                flows,
                catalogue: catalogue(Cost::Free),
                gates: gates.clone(),
                clock,
            },
            retry: Retry {
                submit: submit.clone(),
                catalogue: catalogue(Cost::Free),
            },
            once: Once {
                submit: submit.clone(),
                keys: Arc::new(MemoryIdempotencyKeys::default()),
            },
            submit,
            catalogue: catalogue(Cost::Free),
            outputs: outputs.clone(),
            links: outputs.clone(),
            readiness: Readiness::new(Vec::new()),
            operators: Operators::Anybody,
            gates,
            callers: Callers::open("default".parse().unwrap()),
            in_flight: InFlight::unbounded(),
            link_lifetime: Duration::from_hours(1),
            max_inline_bytes: None,
            max_rows: 10_000,
            uploads: Uploads {
                max_bytes: 1_000_000,
                max_announced: 2_000_000,
                kept_for: Duration::from_hours(24),
                fresh_for: Duration::from_hours(48),
            },
            upload_links: outputs.clone(),
        };
        Self {
            state,
            queue,
            outputs,
            activity,
        }
    }

    /// Two tenants, with a key each.
    pub(crate) fn with_keys() -> Self {
        let mut world = Self::new();
        let keys = format!("acme:{ACME},globex:{GLOBEX}");
        world.state.callers = Callers::from_keys(&keys).unwrap();
        world
    }

    fn routes(&self) -> Router {
        let meter = self.state.answer.meter.clone();
        layers::around(layers::metered(router(self.state.clone()), meter))
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> HttpAnswer {
        support::ask(self.routes(), request).await
    }

    pub(crate) async fn get(&self, path: &str) -> HttpAnswer {
        support::ask(self.routes(), support::get(path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> HttpAnswer {
        let answer = support::ask(self.routes(), support::post(path, body)).await;
        self.written().await;
        answer
    }

    /// What costs nothing elsewhere is paid for.
    pub(crate) fn paid() -> Self {
        let mut world = Self::new();
        world.state.catalogue = catalogue(Cost::Paid);
        world.state.answer.work.process.catalogue = catalogue(Cost::Paid);
        world
    }

    /// Keeps what v1 answers, though it costs nothing.
    pub(crate) fn keeping(mut self) -> Self {
        self.state.answer.keeps = true;
        self
    }

    /// Waits for what is written once a caller is answered.
    async fn written(&self) {
        if self.state.answer.keeps {
            let attempts = &self.state.answer.attempts;
            attempts.close();
            attempts.wait().await;
            attempts.reopen();
        }
    }

    pub(crate) async fn post_as(&self, key: &str, path: &str, body: String) -> HttpAnswer {
        let mut request: Request<Body> = support::post(path, body);
        let headers = request.headers_mut();
        headers.insert("x-api-key", key.parse().unwrap());
        let answer = support::ask(self.routes(), request).await;
        self.written().await;
        answer
    }

    /// Posts a request with the header `Idempotency-Key`.
    pub(crate) async fn post_keyed(&self, key: &str, path: &str, body: &str) -> HttpAnswer {
        let mut request: Request<Body> = support::post(path, body.to_owned());
        let headers = request.headers_mut();
        headers.insert("idempotency-key", key.parse().unwrap());
        support::ask(self.routes(), request).await
    }

    /// How many batches were accepted for whoever calls without a key.
    pub(crate) async fn batches(&self) -> usize {
        let tenant = "default".parse().unwrap();
        let batches = self.state.submit.flows.batches(&tenant, None, 100).await;
        batches.unwrap().len()
    }

    /// How many messages wait in the queue.
    pub(crate) async fn messages(&self) -> usize {
        let mut messages = 0;
        loop {
            let some = self.queue.receive(10, Duration::ZERO).await.unwrap();
            if some.is_empty() {
                return messages;
            }
            messages += some.len();
        }
    }
}

/// An asset whose URL says how it behaves: `/fails/{code}`, `/slow`, or anything else.
struct Assets;

#[async_trait]
impl Sources for Assets {
    async fn fetch(&self, _: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        let path = url.as_url().path();
        if let Some(wanted) = path.strip_prefix("/fails/") {
            let code = FailureCode::ALL
                .iter()
                .find(|code| code.as_str() == wanted)
                .unwrap();
            return Err(OperationError::permanent(*code, "as it was told to"));
        }
        if path == "/slow" {
            std::future::pending::<()>().await;
        }
        let content = match path {
            "/large" => vec![b'.'; LARGE].into(),
            _ => format!("the asset {path}").into(),
        };
        Ok(Asset {
            url: url.clone(),
            content,
        })
    }
}

/// Makes the asset as it is, repeated.
struct Copies(OperationDescription);

#[async_trait]
impl Operation for Copies {
    fn description(&self) -> &OperationDescription {
        &self.0
    }

    fn fingerprint(&self) -> &'static str {
        "1"
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    async fn run(
        &self,
        _: &TenantId,
        asset: Asset,
        params: &Params,
    ) -> Result<Product, OperationError> {
        let times = usize::try_from(params.integer("times").unwrap()).unwrap();
        Ok(Product {
            content: asset.content.repeat(times).into(),
            media_type: MediaType::png(),
        })
    }
}

fn catalogue(cost: Cost) -> Catalogue {
    let operation = |name: &str, availability| -> Arc<dyn Operation> {
        let times = ParamSpec {
            summary: "How often".to_owned(),
            kind: ParamKind::Integer { min: 1, max: 3 },
            default: Some(ParamValue::Integer(1)),
        };
        Arc::new(Copies(OperationDescription {
            name: name.parse().unwrap(),
            summary: "Copies".to_owned(),
            params: ParamsSchema(BTreeMap::from([("times".to_owned(), times)])),
            accepts: Vec::new(),
            produces: vec![MediaType::png()],
            availability,
            cost,
        }))
    };
    let reason = "the operator has to set VENDOR_KEY".to_owned();
    Catalogue::new(
        [
            operation("copy", Availability::Available),
            operation("vendor", Availability::Unavailable { reason }),
        ],
        &"copy".parse().unwrap(),
    )
    .unwrap()
}

/// A dependency that answers, fails, or never answers.
pub(crate) enum Dependency {
    Up(&'static str),
    Down(&'static str),
    Silent(&'static str),
    /// Answers, and counts how often it was asked.
    Counts(Arc<AtomicUsize>),
}

#[async_trait]
impl Probe for Dependency {
    fn dependency(&self) -> &'static str {
        match self {
            Self::Up(name) | Self::Down(name) | Self::Silent(name) => name,
            Self::Counts(_) => "counted",
        }
    }

    async fn probe(&self) -> Result<(), Unavailable> {
        match self {
            Self::Up(_) => Ok(()),
            Self::Down(name) => Err(Unavailable::new(name, "password=hunter2 refused")),
            Self::Silent(_) => std::future::pending().await,
            Self::Counts(asked) => {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(())
            }
        }
    }
}
