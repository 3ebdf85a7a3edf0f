//! One flow, whose source answers as a test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assetmill_contract::memory::{
    MemoryFlows, MemoryGates, MemoryOutputs, MemoryResultCache, RuntimeClock,
};
use assetmill_contract::samples;
use assetmill_core::ports::{Clock as _, FlowWrites as _, Sources};
use assetmill_core::usecases::{Alike, Outcome, Pacer, Process, TimeLimits, Waiting};
use assetmill_core::{
    Asset, AssetUrl, Catalogue, Cost, Flow, FlowId, MediaType, Operation, OperationDescription,
    OperationError, Params, Product, RetryPolicy, TenantId,
};
use async_trait::async_trait;
use jiff::Timestamp;

/// How long a step and a disk take.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(10);

/// One flow, and the process that makes attempts at it.
pub(crate) struct World {
    pub(crate) process: Process,
    pub(crate) id: FlowId,
    tenant: TenantId,
    source: Arc<Source>,
    clock: Arc<RuntimeClock>,
}

impl World {
    /// A flow that was accepted just now, whose source says `error` at each attempt, the first being
    /// number 0.
    pub(crate) async fn new(error: impl Fn(u32) -> OperationError + Send + Sync + 'static) -> Self {
        let clock = Arc::new(RuntimeClock::default());
        let flows = Arc::new(MemoryFlows::default());
        let (batch, mut rows) = samples::batch(1);
        rows[0].operation = "copy".parse().unwrap();
        rows[0].created_at = clock.now();
        flows.put_flows(&rows).await.unwrap();
        flows.put_batch(&batch).await.unwrap();
        let source = Arc::new(Source {
            error: Box::new(error),
            asked: AtomicU32::new(0),
        });
        let operation: Arc<dyn Operation> = Arc::new(Copy::default());
        Self {
            id: rows[0].id,
            tenant: rows[0].tenant.clone(),
            process: Process {
                flows,
                sources: source.clone(),
                result_cache: Arc::new(MemoryResultCache::default()),
                outputs: Arc::new(MemoryOutputs::default()),
                catalogue: Catalogue::new([operation], &"copy".parse().unwrap()).unwrap(),
                alike: Alike::default(),
                pacer: Pacer::new(Arc::new(MemoryGates::default()), clock.clone()),
                clock: clock.clone(),
                limits: TimeLimits::default(),
            },
            source,
            clock,
        }
    }

    pub(crate) async fn flow(&self) -> Flow {
        let flows = self.process.flows.flows(&self.tenant, &[self.id]).await;
        flows.unwrap().remove(0).unwrap()
    }

    /// How often the source was asked.
    pub(crate) fn asked(&self) -> u32 {
        self.source.asked.load(Ordering::SeqCst)
    }

    pub(crate) async fn sleep_until(&self, until: Timestamp) {
        let wait = until.duration_since(self.clock.now());
        // A timer of the runtime counts milliseconds.
        let wait = Duration::try_from(wait).unwrap_or_default() + Duration::from_millis(1);
        tokio::time::sleep(wait).await;
    }

    /// Makes attempts as the queue would, until the flow is settled.
    pub(crate) async fn run_to_its_end(&self) -> Flow {
        loop {
            let step = self.process.attempt(self.id, Waiting::Nobody).await;
            match step.unwrap() {
                Outcome::Settled { .. } => return self.flow().await,
                Outcome::Wait { until, .. } => self.sleep_until(until).await,
                Outcome::HandOver { .. } => {}
                Outcome::Rests => panic!("nothing wakes it here"),
                Outcome::Gone => panic!("the flow is gone"),
            }
        }
    }
}

struct Source {
    error: Box<dyn Fn(u32) -> OperationError + Send + Sync>,
    asked: AtomicU32,
}

#[async_trait]
impl Sources for Source {
    async fn fetch(&self, _: &TenantId, _: &AssetUrl) -> Result<Asset, OperationError> {
        Err((self.error)(self.asked.fetch_add(1, Ordering::SeqCst)))
    }
}

/// Gives back its asset, after a while.
pub(crate) struct Copy {
    description: OperationDescription,
    takes: Duration,
    runs: AtomicU32,
}

impl Copy {
    /// One that is paid for.
    pub(crate) fn paid() -> Self {
        Self {
            description: samples::description("copy", Cost::Paid),
            ..Self::default()
        }
    }

    /// One that takes so long.
    pub(crate) fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    /// How often it ran.
    pub(crate) fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }
}

impl Default for Copy {
    fn default() -> Self {
        Self {
            description: samples::description("copy", Cost::Free),
            takes: A_MOMENT,
            runs: AtomicU32::new(0),
        }
    }
}

#[async_trait]
impl Operation for Copy {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &'static str {
        "1"
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    async fn run(&self, _: &TenantId, asset: Asset, _: &Params) -> Result<Product, OperationError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        Ok(Product {
            content: asset.content,
            media_type: MediaType::png(),
        })
    }
}
