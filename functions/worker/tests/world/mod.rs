//! A worker on ports in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_contract::memory::{
    MemoryActivityLog, MemoryFlows, MemoryGates, MemoryOutputs, MemoryQueue, MemoryResultCache,
    RuntimeClock,
};
use assetmill_contract::samples;
use assetmill_core::pacing::Limits;
use assetmill_core::ports::{
    ActivityLog, FlowDeliveries as _, FlowQueue, FlowReads as _, FlowWrites, Outgoing, Sources,
    Unavailable,
};
use assetmill_core::usecases::{Alike, MessageHandler, Meter, Pacer, Process, TimeLimits};
use assetmill_core::{
    Asset, AssetUrl, Availability, Catalogue, Cost, Flow, FlowMessage, FlowState, MediaType,
    Operation, OperationDescription, OperationError, Params, ParamsSchema, Product, RetryPolicy,
    Source, TenantId,
};
use assetmill_lambda::records::MAX_HOPS;
use assetmill_worker_function::Worker;
use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use bytes::Bytes;
use serde_json::json;

/// Everything around a worker.
pub(crate) struct World {
    pub(crate) flows: Arc<MemoryFlows>,
    pub(crate) clock: Arc<RuntimeClock>,
    pub(crate) activity: Arc<MemoryActivityLog>,
    /// Where what is counted is added.
    log: Arc<dyn ActivityLog>,
    queue: Arc<MemoryQueue>,
    assets: Arc<Assets>,
    rows: Arc<dyn FlowWrites>,
    sending: Arc<dyn FlowQueue>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(RuntimeClock::default());
        let flows = Arc::new(MemoryFlows::default());
        let queue = Arc::new(MemoryQueue::new(clock.clone(), Duration::from_mins(18), 5));
        let activity = Arc::new(MemoryActivityLog::default());
        Self {
            rows: flows.clone(),
            log: activity.clone(),
            activity,
            sending: queue.clone(),
            assets: Arc::default(),
            flows,
            clock,
            queue,
        }
    }

    pub(crate) fn without_queue() -> Self {
        Self {
            sending: Arc::new(NoQueue),
            ..Self::new()
        }
    }

    /// Each send takes so long.
    pub(crate) fn with_queue_that_takes(time: Duration) -> Self {
        let world = Self::new();
        Self {
            sending: Arc::new(SlowQueue {
                queue: world.queue.clone(),
                time,
            }),
            ..world
        }
    }

    /// The first call to the rows fails, as does each later one.
    pub(crate) fn without_rows() -> Self {
        let world = Self::new();
        let faults = assetmill_contract::faults::Faults::always();
        let rows: Arc<dyn FlowWrites> = world.flows.clone();
        Self {
            rows: faults.around(rows),
            ..world
        }
    }

    /// What is counted can't be added.
    pub(crate) fn without_activity_log() -> Self {
        let world = Self::new();
        let faults = assetmill_contract::faults::Faults::always();
        Self {
            log: faults.around(world.log.clone()),
            ..world
        }
    }

    /// New flows of assets that behave so.
    pub(crate) async fn flows(&self, number: u32, asset: &str) -> Vec<Flow> {
        let (batch, mut flows) = samples::batch(number);
        for flow in &mut flows {
            let url = format!("https://assets.test/{asset}/{}", flow.index);
            flow.source = Source::Asset(url.parse().unwrap());
        }
        self.flows.put_flows(&flows).await.unwrap();
        self.flows.put_batch(&batch).await.unwrap();
        flows
    }

    pub(crate) fn worker(&self, parallel: usize) -> Worker {
        self.worker_at(Copy::new(Cost::Free, ""), parallel)
    }

    /// A worker at a paid operation with these limits.
    pub(crate) fn paid_worker(&self, limits: &str) -> Worker {
        self.worker_at(Copy::new(Cost::Paid, limits), 1)
    }

    fn worker_at(&self, operation: Copy, parallel: usize) -> Worker {
        let meter = Meter::new(self.log.clone(), self.clock.clone());
        let process = Process {
            flows: meter.around(self.rows.clone()),
            sources: self.assets.clone(),
            result_cache: Arc::new(MemoryResultCache::default()),
            outputs: Arc::new(MemoryOutputs::default()),
            catalogue: Catalogue::new([Arc::new(operation) as _], &"copy".parse().unwrap())
                .unwrap(),
            alike: Alike::default(),
            pacer: Pacer::new(Arc::new(MemoryGates::default()), self.clock.clone()),
            clock: self.clock.clone(),
            limits: TimeLimits {
                hops: Some(MAX_HOPS),
                ..TimeLimits::default()
            },
        };
        Worker {
            work: MessageHandler {
                process,
                queue: self.sending.clone(),
            },
            parallel,
            meter,
        }
    }

    pub(crate) async fn state(&self, flow: &Flow) -> FlowState {
        self.row(flow).await.state()
    }

    pub(crate) async fn row(&self, flow: &Flow) -> Flow {
        let read = self.flows.flows(&flow.tenant, &[flow.id]).await.unwrap();
        read.into_iter().next().unwrap().unwrap()
    }

    /// The messages that are in the queue, or will be soon.
    pub(crate) async fn waiting(&self) -> Vec<FlowMessage> {
        let received = self.queue.receive(10, Duration::from_mins(1)).await;
        let mut messages: Vec<_> = received.unwrap();
        messages.extend(
            self.queue
                .receive(10, Duration::from_mins(1))
                .await
                .unwrap(),
        );
        messages
            .into_iter()
            .map(|delivery| delivery.message)
            .collect()
    }

    /// The paths of the assets that were fetched, in that order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.assets.asked.lock().unwrap().clone()
    }

    /// The most assets that were fetched at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.assets.most.load(Ordering::SeqCst)
    }
}

/// An event with a record for each of these flows, in the shape of SQS.
pub(crate) fn event(flows: &[Flow]) -> SqsEvent {
    let mut event: serde_json::Value =
        serde_json::from_str(include_str!("../../../../events/worker-messages.json")).unwrap();
    let record = event["Records"][0].clone();
    let records = flows.iter().enumerate().map(|(index, flow)| {
        let mut record = record.clone();
        record["messageId"] = json!(format!("message-{index}"));
        record["body"] = json!(serde_json::to_string(&flow.message()).unwrap());
        record
    });
    event["Records"] = records.collect();
    event_of(&event.to_string())
}

/// The same event, when its records come another time.
pub(crate) fn again(mut event: SqsEvent) -> SqsEvent {
    for record in &mut event.records {
        let count = record.attributes.get_mut("ApproximateReceiveCount");
        "2".clone_into(count.unwrap());
    }
    event
}

pub(crate) fn event_of(text: &str) -> SqsEvent {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn message_ids(event: &SqsEvent) -> Vec<String> {
    let ids = event.records.iter().map(|record| record.message_id.clone());
    ids.map(Option::unwrap).collect()
}

/// The messages that were reported.
pub(crate) fn failed(response: &SqsBatchResponse) -> Vec<&str> {
    let failures = &response.batch_item_failures;
    let mut ids: Vec<_> = failures
        .iter()
        .map(|failure| failure.item_identifier.as_str())
        .collect();
    ids.sort_unstable();
    ids
}

/// Longer than a third of the worker's time, so that the third of them would be late.
const SLOW: Duration = Duration::from_secs(70);

/// Assets that can be had, that are slow, that hang, or that bring their worker down.
#[derive(Default)]
struct Assets {
    asked: Mutex<Vec<String>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Sources for Assets {
    async fn fetch(&self, _: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        let path = url.as_url().path().to_owned();
        self.asked.lock().unwrap().push(path.clone());
        assert!(!path.starts_with("/panic"), "an asset that panics");
        if path.starts_with("/hang") {
            std::future::pending::<()>().await;
        }
        if path.starts_with("/slow") {
            tokio::time::sleep(SLOW).await;
        }
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(Asset {
            url: url.clone(),
            content: Bytes::from(path),
        })
    }
}

struct NoQueue;

#[async_trait]
impl FlowQueue for NoQueue {
    async fn send(&self, _: &[Outgoing]) -> Result<(), Unavailable> {
        Err(Unavailable::new("queue", "down"))
    }
}

struct SlowQueue {
    queue: Arc<MemoryQueue>,
    time: Duration,
}

#[async_trait]
impl FlowQueue for SlowQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        tokio::time::sleep(self.time).await;
        self.queue.send(messages).await
    }
}

/// Its output is its asset.
struct Copy(OperationDescription, Limits);

impl Copy {
    fn new(cost: Cost, limits: &str) -> Self {
        let description = OperationDescription {
            name: "copy".parse().unwrap(),
            summary: String::new(),
            params: ParamsSchema(BTreeMap::new()),
            accepts: Vec::new(),
            produces: vec![MediaType::png()],
            availability: Availability::Available,
            cost,
        };
        Self(description, limits.parse().unwrap())
    }
}

#[async_trait]
impl Operation for Copy {
    fn description(&self) -> &OperationDescription {
        &self.0
    }

    fn fingerprint(&self) -> &'static str {
        "copy"
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    fn limits(&self) -> Limits {
        self.1
    }

    async fn run(&self, _: &TenantId, asset: Asset, _: &Params) -> Result<Product, OperationError> {
        Ok(Product {
            content: asset.content,
            media_type: MediaType::png(),
        })
    }
}
