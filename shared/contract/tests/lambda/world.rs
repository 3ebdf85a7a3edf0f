//! One flow, the functions that handle it, and the schedule.

use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::faults::Faults;
use assetmill_contract::memory::{
    MemoryActivityLog, MemoryFlows, MemoryGates, MemoryOutputs, MemoryQueue, MemoryResultCache,
    RuntimeClock,
};
use assetmill_core::pacing::Gate;
use assetmill_core::ports::{Clock, FlowDeliveries as _, FlowReads as _, Gates as _, Sources};
use assetmill_core::usecases::{
    Alike, MessageHandler, Meter, Pacer, Process, Products, RunSynchronously, SourceList, Submit,
    Sweep, TimeLimits, TransformRequest,
};
use assetmill_core::{
    Asset, AssetUrl, Catalogue, Flow, FlowId, Labels, Operation, OperationError, Params, Shares,
    TenantId,
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio_util::task::TaskTracker;

use crate::queue::{Chains, Sender};
use crate::vendor::Vendor;

const VISIBILITY: Duration = Duration::from_mins(18);
const MINUTE: Duration = Duration::from_mins(1);

/// What outlives every function.
pub(crate) struct World {
    pub(crate) vendor: Arc<Vendor>,
    pub(crate) queue: Chains,
    messages: Arc<MemoryQueue>,
    flows: Arc<MemoryFlows>,
    result_cache: Arc<MemoryResultCache>,
    gates: Arc<MemoryGates>,
    outputs: Arc<MemoryOutputs>,
    clock: Arc<RuntimeClock>,
}

/// How a function lives.
pub(crate) struct Life {
    pub(crate) limits: TimeLimits,
    faults: Arc<Faults>,
}

impl Life {
    pub(crate) fn of_a_worker() -> Self {
        Self {
            limits: TimeLimits {
                lease: Duration::from_secs(200),
                hops: Some(8),
                ..TimeLimits::default()
            },
            faults: Faults::none(),
        }
    }

    /// One that answers callers, and is frozen after it or not.
    fn of_an_api(freezes: bool) -> Self {
        let lease = if freezes { 35 } else { 180 };
        Self {
            limits: TimeLimits {
                lease: Duration::from_secs(lease),
                hops: freezes.then_some(8),
                stops_when_answered: freezes,
                ..TimeLimits::default()
            },
            faults: Faults::none(),
        }
    }
}

impl World {
    pub(crate) fn new(vendor: Vendor) -> Self {
        let clock = Arc::new(RuntimeClock::default());
        let messages = Arc::new(MemoryQueue::new(clock.clone(), VISIBILITY, 5));
        Self {
            vendor: Arc::new(vendor),
            queue: Chains::around(messages.clone()),
            messages,
            flows: Arc::default(),
            result_cache: Arc::default(),
            gates: Arc::default(),
            outputs: Arc::default(),
            clock,
        }
    }

    pub(crate) async fn flow(&self, id: FlowId) -> Flow {
        let rows = self.flows.flows(&tenant(), &[id]).await.unwrap();
        rows.into_iter().next().unwrap().unwrap()
    }

    /// Another process holds so many of so many places, and dies.
    pub(crate) async fn places_are_held(&self, places: u32, of: u32, time: Duration) {
        let (now, until) = (self.clock.now(), self.clock.after(time));
        let dead = assetmill_contract::samples::places_needed(places, of, [now, until]);
        let hold = move |gate: &mut Gate| drop(gate.hold_places(&dead, now));
        let name = &self.vendor.description().name;
        let changed = self.gates.change_gate(name, None, Arc::new(hold)).await;
        changed.unwrap();
    }

    pub(crate) fn dead_letters(&self) -> usize {
        usize::from(self.messages.dead_letters().next_visible().is_some())
    }

    /// A flow in the background.
    pub(crate) async fn submitted(&self) -> FlowId {
        self.submitted_of("https://example.com/a").await
    }

    /// The same of this asset.
    pub(crate) async fn submitted_of(&self, url: &str) -> FlowId {
        let accepted = self.submit().start(self.order(url)).await.unwrap();
        accepted.flows[0].id
    }

    /// A flow as its caller sees it, beside workers. The function that answers is frozen then, or not.
    pub(crate) async fn asked(&self, freezes: bool) -> Flow {
        let life = Life::of_an_api(freezes);
        let worker = self.work(&Life::of_a_worker());
        tokio::select! {
            flow = self.answered(&life) => flow,
            () = self.work_for_ever(&worker) => unreachable!(),
        }
    }

    /// The same, where no worker runs.
    pub(crate) async fn asked_without_workers(&self) -> Flow {
        self.answered(&Life::of_an_api(true)).await
    }

    async fn answered(&self, life: &Life) -> Flow {
        let answer = RunSynchronously {
            submit: self.submit(),
            work: self.work(life),
            permits: Shares::new(1, 1),
            attempts: TaskTracker::new(),
            answer_within: Duration::from_secs(22),

            keeps: false,
            meter: Meter::new(Arc::new(MemoryActivityLog::default()), self.clock.clone()),
        };
        let order = self.order("https://example.com/a");
        let answered = answer.run(order, Products::Stored).await;
        let accepted = answered.unwrap().accepted;
        if life.limits.stops_when_answered {
            life.faults.stop_now();
        }
        accepted.flows.into_iter().next().unwrap()
    }

    /// Works, and does what the schedule does, until the flow is settled.
    pub(crate) async fn run_until_settled(&self, id: FlowId, life: Life) {
        let work = self.work(&life);
        while !self.flow(id).await.state().is_settled() {
            self.next_minute(&work).await;
        }
    }

    pub(crate) async fn run_until_dead_letter(&self, life: Life) {
        let work = self.work(&life);
        while self.dead_letters() == 0 {
            self.next_minute(&work).await;
        }
    }

    async fn next_minute(&self, work: &MessageHandler) {
        let sweep = Sweep {
            submit: self.submit(),
            grace: MINUTE,
        };
        // A worker goes on behind the schedule.
        let worked = tokio::time::timeout(MINUTE, self.work_for_ever(work));
        let _ = worked.await;
        sweep.run().await.unwrap();
    }

    async fn work_for_ever(&self, work: &MessageHandler) {
        loop {
            let deliveries = self.messages.receive(10, MINUTE).await.unwrap();
            for delivery in deliveries {
                let (work, messages) = (work.clone(), self.messages.clone());
                tokio::spawn(async move {
                    work.handle(&delivery.message).await.unwrap();
                    messages.acknowledge(&delivery.receipt).await.unwrap();
                });
            }
        }
    }

    fn submit(&self) -> Submit {
        Submit {
            flows: self.flows.clone(),
            queue: Arc::new(self.sender(false)),
            clock: self.clock.clone(),
        }
    }

    fn work(&self, life: &Life) -> MessageHandler {
        let faults = &life.faults;
        let operation: Arc<dyn Operation> = self.vendor.clone();
        MessageHandler {
            process: Process {
                flows: faults.around(self.flows.clone()),
                sources: Arc::new(Host),
                result_cache: faults.around(self.result_cache.clone()),
                outputs: faults.around(self.outputs.clone()),
                catalogue: Catalogue::new([operation], &"vendor".parse().unwrap()).unwrap(),
                alike: Alike::default(),
                pacer: Pacer::beside_others(faults.around(self.gates.clone()), self.clock.clone()),
                clock: self.clock.clone() as Arc<dyn Clock>,
                limits: life.limits,
            },
            queue: faults.around(Arc::new(self.sender(true))),
        }
    }

    fn sender(&self, goes_on: bool) -> Sender {
        Sender {
            chains: self.queue.clone(),
            goes_on,
        }
    }

    fn order(&self, url: &str) -> TransformRequest {
        let operation: Arc<dyn Operation> = self.vendor.clone();
        TransformRequest {
            tenant: tenant(),
            sources: SourceList::parse(&[url]).unwrap(),
            operation,
            params: Params::default(),
            name: None,
            labels: Labels::default(),
            webhook: None,
        }
    }
}

/// Where the asset is: at its URL, which is its content.
struct Host;

#[async_trait]
impl Sources for Host {
    async fn fetch(&self, _: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        Ok(Asset {
            url: url.clone(),
            content: Bytes::from(url.to_string()),
        })
    }
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}
