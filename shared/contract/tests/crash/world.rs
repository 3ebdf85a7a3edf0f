//! What outlives a process, the process itself, and what must be true in the end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::faults::Faults;
use assetmill_contract::memory::{
    MemoryFlows, MemoryGates, MemoryIdempotencyKeys, MemoryOutputs, MemoryQueue, MemoryResultCache,
    RuntimeClock,
};
use assetmill_core::ports::{
    Clock, FlowDeliveries, FlowQueue, FlowReads, FlowWrites, Gates, OutputWrites, ResultCache,
};
use assetmill_core::usecases::{
    Accepted, Alike, Cancel, FailDeadLetter, KeyedRequest, MessageHandler, Once, Pacer, Process,
    Products, Retry, RunSynchronously, SourceList, Submit, Sweep, Swept, TimeLimits,
    TransformRequest,
};
use assetmill_core::{
    Batch, BatchId, Catalogue, Cost, FailureCode, Flow, FlowState, Operation, Params, Sha256Digest,
    Shares, Status, TenantId,
};
use futures_util::future::join_all;
use tokio_util::task::TaskTracker;

use crate::stubs::{Chain, Duplicating, Host, Vendor};

/// The flows of the batch under test, and how each has to end.
const ASSETS: &[(&str, FlowState)] = &[
    ("https://example.com/a", FlowState::Completed),
    ("https://example.com/b", FlowState::Completed),
    ("https://example.com/a", FlowState::Completed),
    ("https://example.com/missing", FlowState::Failed),
    ("https://example.com/flaky", FlowState::Completed),
    ("https://example.com/throttled", FlowState::Completed),
    ("https://example.com/unwell", FlowState::Completed),
    ("ftp://example.com/refused", FlowState::Failed),
];
/// Those of a chain: each makes more calls, and pairs of points are many.
const ASSETS_OF_CHAINS: &[(&str, FlowState)] = &[ASSETS[0], ASSETS[2], ASSETS[5], ASSETS[6]];
/// Those of jobs: one that is made twice, and one that is throttled first.
const ASSETS_OF_JOBS: &[(&str, FlowState)] = &[ASSETS[0], ASSETS[2], ASSETS[5]];
const VISIBILITY: Duration = Duration::from_secs(200);
const GRACE: Duration = Duration::from_mins(1);

/// How a batch is submitted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// Through the queue.
    Queued,
    /// While the caller waits.
    Answered,
    /// Through the queue, and cancelled once its first flows have run.
    Cancelled,
    /// Through the queue, and what failed is run again.
    Retried,
}

/// What is done with the assets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A transform.
    Free,
    /// A vendor does it.
    Paid,
    /// Two vendors do it, one after the other.
    Chain,
    /// Two vendors do it, of which the second takes it on and is asked until it is done.
    Job,
}

impl Kind {
    fn assets(self) -> &'static [(&'static str, FlowState)] {
        match self {
            Self::Free | Self::Paid => ASSETS,
            Self::Chain => ASSETS_OF_CHAINS,
            Self::Job => ASSETS_OF_JOBS,
        }
    }
}

/// What outlives a process.
pub(crate) struct World {
    kind: Kind,
    pub(crate) vendors: Vec<Arc<Vendor>>,
    host: Arc<Host>,
    flows: Arc<MemoryFlows>,
    result_cache: Arc<MemoryResultCache>,
    keys: Arc<MemoryIdempotencyKeys>,
    gates: Arc<MemoryGates>,
    /// Whether calls to gates are points too. They change nothing here, so of pairs of points they would be many and say
    /// little.
    pub(crate) gates_fail: bool,
    outputs: Arc<MemoryOutputs>,
    queue: Arc<MemoryQueue>,
    clock: Arc<RuntimeClock>,
    duplicates: bool,
}

/// One life of the program.
pub(crate) struct Running {
    submit: Submit,
    once: Once,
    answer: RunSynchronously,
    work: MessageHandler,
    sweep: Sweep,
    fail_dead_letter: FailDeadLetter,
    cancel: Cancel,
    retry: Retry,
    deliveries: Arc<dyn FlowDeliveries>,
    dead_letters: Arc<dyn FlowDeliveries>,
    queue: Arc<MemoryQueue>,
    kind: Kind,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Kind::Paid)
    }

    pub(crate) fn of(kind: Kind) -> Self {
        let clock = Arc::new(RuntimeClock::default());
        let vendors = match kind {
            Kind::Free => vec![Vendor::new("transform", Cost::Free)],
            Kind::Paid => vec![Vendor::new("vendor", Cost::Paid)],
            Kind::Chain => vec![
                Vendor::new("first", Cost::Paid),
                Vendor::new("second", Cost::Paid),
            ],
            Kind::Job => vec![Vendor::new("first", Cost::Paid), Vendor::of_jobs("second")],
        };
        Self {
            kind,
            vendors: vendors.into_iter().map(Arc::new).collect(),
            host: Arc::default(),
            flows: Arc::default(),
            result_cache: Arc::default(),
            keys: Arc::default(),
            gates: Arc::default(),
            gates_fail: false,
            outputs: Arc::default(),
            queue: Arc::new(MemoryQueue::new(clock.clone(), VISIBILITY, 5)),
            clock,
            duplicates: false,
        }
    }

    pub(crate) fn with_duplicates() -> Self {
        Self {
            duplicates: true,
            ..Self::new()
        }
    }

    /// Starts the program, with faults around each of its ports.
    pub(crate) fn process(&self, faults: &Arc<Faults>) -> Running {
        let flows: Arc<dyn FlowWrites> = faults.around(self.flows.clone());
        let gates: Arc<dyn Gates> = if self.gates_fail {
            faults.around(self.gates.clone())
        } else {
            self.gates.clone()
        };
        let result_cache: Arc<dyn ResultCache> = faults.around(self.result_cache.clone());
        let outputs: Arc<dyn OutputWrites> = faults.around(self.outputs.clone());
        let mut steps: Vec<Arc<dyn Operation>> = Vec::new();
        for vendor in &self.vendors {
            steps.push(faults.around(vendor.clone()));
        }
        let operation = match self.kind {
            Kind::Free | Kind::Paid => steps.remove(0),
            Kind::Chain | Kind::Job => Arc::new(Chain::new(steps)),
        };
        let mut queue: Arc<dyn FlowQueue> = faults.around(self.queue.clone());
        if self.duplicates {
            queue = Arc::new(Duplicating(queue));
        }
        let clock: Arc<dyn Clock> = self.clock.clone();
        let submit = Submit {
            flows: flows.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
        };
        let name = operation.description().name.clone();
        let process = Process {
            flows: flows.clone(),
            sources: faults.around(self.host.clone()),
            result_cache,
            outputs,
            catalogue: Catalogue::new([operation], &name).unwrap(),
            alike: Alike::default(),
            pacer: Pacer::new(gates, clock.clone()),
            clock: clock.clone(),
            limits: TimeLimits::default(),
        };
        let work = MessageHandler { process, queue };
        Running {
            answer: RunSynchronously {
                submit: submit.clone(),
                work: work.clone(),
                permits: Shares::new(2, 2),
                attempts: TaskTracker::new(),
                answer_within: Duration::from_secs(20),

                keeps: false,
            },
            sweep: Sweep {
                submit: submit.clone(),
                grace: GRACE,
            },
            cancel: Cancel {
                flows: flows.clone(),
                clock: clock.clone(),
            },
            retry: Retry {
                submit: submit.clone(),
                catalogue: work.process.catalogue.clone(),
            },
            once: Once {
                submit: submit.clone(),
                keys: faults.around(self.keys.clone()),
            },
            submit,
            work,
            fail_dead_letter: FailDeadLetter { flows, clock },
            deliveries: faults.around(self.queue.clone()),
            dead_letters: faults.around(self.queue.dead_letters()),
            queue: self.queue.clone(),
            kind: self.kind,
        }
    }

    /// What must be true once nothing is left to do.
    pub(crate) async fn check(&self, accepted: Option<BatchId>, way: Way) -> Result<(), String> {
        let may_be_cancelled = matches!(way, Way::Cancelled);
        let batches = self.flows.every_batch();
        if accepted.is_some_and(|id| batches.iter().all(|batch| batch.id != id)) {
            return Err("an accepted batch is lost".to_owned());
        }
        for batch in batches {
            let flows = self.check_batch(&batch).await?;
            for flow in &flows {
                let source = flow.source.to_string();
                let asset = self.kind.assets().iter().find(|(url, _)| *url == source);
                let as_expected = asset.is_some_and(|(_, expected)| flow.state() == *expected);
                let was_cancelled = flow.state() == FlowState::Cancelled && may_be_cancelled;
                if !as_expected && !was_cancelled && !gave_up(flow) {
                    return Err(format!("{source} is {:?}", flow.status));
                }
            }
        }
        match self.kind {
            Kind::Free => Ok(()),
            Kind::Paid | Kind::Chain | Kind::Job => self.check_charges().await,
        }
    }

    /// What must be true of a batch that was submitted several times under one key, besides all else: there is no other,
    /// its assets and no others were processed, and where the worker did not fail, each of them was paid for once.
    pub(crate) fn check_once(&self, id: BatchId, worker_failed: bool) -> Result<(), String> {
        let batches = self.flows.every_batch();
        if batches.len() != 1 || batches[0].id != id {
            return Err(format!("{} batches", batches.len()));
        }
        let flows = self.flows.every_flow();
        let strays = flows.iter().filter(|flow| flow.batch_id != id);
        for stray in strays {
            if stray.fence > 0 {
                return Err(format!("{} was processed for nobody", stray.source));
            }
        }
        for (source, charges) in self.vendors.iter().flat_map(|vendor| vendor.charges()) {
            if charges != 1 && !worker_failed {
                return Err(format!("{source} was processed {charges} times"));
            }
        }
        Ok(())
    }

    /// As [`check`](Self::check), where one asset kills its workers.
    pub(crate) async fn check_poisoned(
        &self,
        accepted: Option<BatchId>,
        poison: &str,
    ) -> Result<(), String> {
        let id = accepted.ok_or("not accepted")?;
        let batch = self.flows.batch(&tenant(), id).await.unwrap();
        let flows = self.check_batch(&batch.ok_or("lost")?).await?;
        for (flow, (url, expected)) in flows.iter().zip(self.kind.assets()) {
            let poisoned = *url == poison;
            let code = match &flow.status {
                Status::Failed { failure, .. } => Some(failure.code),
                _ => None,
            };
            let of_poison = match self.kind {
                Kind::Free => FailureCode::WorkerCrashed,
                Kind::Paid | Kind::Chain | Kind::Job => FailureCode::VendorUnconfirmed,
            };
            if poisoned != (code == Some(of_poison)) || (!poisoned && flow.state() != *expected) {
                return Err(format!("{url} is {:?}", flow.status));
            }
            if poisoned
                && of_poison == FailureCode::VendorUnconfirmed
                && flow.unconfirmed_calls == 0
            {
                return Err("nobody says that calls may have been charged".to_owned());
            }
        }
        Ok(())
    }

    async fn check_batch(&self, batch: &Batch) -> Result<Vec<Flow>, String> {
        let page = self
            .flows
            .batch_flows(&batch.tenant, batch.id, None, None, 100)
            .await;
        let flows = page.unwrap().flows;
        if flows.len() != batch.size as usize {
            return Err(format!("{} flows of {}", flows.len(), batch.size));
        }
        for flow in &flows {
            self.check_flow(flow).await?;
        }
        let counts = self.flows.counts(&batch.tenant, batch.id).await.unwrap();
        if counts.settled() != batch.size || batch.completed_at.is_none() {
            return Err(format!("the batch did not complete: {counts:?}"));
        }
        let left = self.flows.completions(jiff::Timestamp::MAX, 100).await;
        if left.unwrap().iter().any(|left| left.id == batch.id) {
            return Err("nothing followed from the completion of the batch".to_owned());
        }
        Ok(flows)
    }

    async fn check_flow(&self, flow: &Flow) -> Result<(), String> {
        if !flow.state().is_settled() {
            return Err(format!("{} is {:?}", flow.source, flow.status));
        }
        let settlements = self.flows.settlements(flow.id);
        // What is refused from the start never was anything else.
        let settles = flow.fence > 0 || flow.state() == FlowState::Cancelled;
        if settlements != u32::from(settles) {
            return Err(format!("{} settled {settlements} times", flow.source));
        }
        if let Status::Completed { output, .. } = &flow.status {
            let content = self.outputs.get(&output.key).await.unwrap();
            let made = |text: String, vendor: &Arc<Vendor>| vendor.made_of(&text);
            let expected = self.vendors.iter().fold(flow.source.to_string(), made);
            if content.as_deref() != Some(expected.as_bytes()) {
                return Err(format!("the output of {} is wrong or missing", flow.source));
            }
        }
        Ok(())
    }

    /// No flow pays a vendor twice, and two of the same source only where one says that its call may have been
    /// charged.
    async fn check_charges(&self) -> Result<(), String> {
        let (mut told, mut flows) = (HashMap::<_, u32>::new(), HashMap::<_, u32>::new());
        for batch in self.flows.every_batch() {
            let page = self
                .flows
                .batch_flows(&batch.tenant, batch.id, None, None, 100)
                .await;
            for flow in page.unwrap().flows {
                let source = flow.source.to_string();
                *told.entry(source.clone()).or_default() += flow.unconfirmed_calls;
                *flows.entry(source).or_default() += 1;
            }
        }
        for (source, charges) in self.vendors.iter().flat_map(|vendor| vendor.charges()) {
            let (told, flows) = (told[&source], flows[&source]);
            if charges > (1 + told).min(flows) {
                return Err(format!(
                    "{source}: {charges} charges for {flows} flows, {told} unconfirmed"
                ));
            }
        }
        Ok(())
    }
}

/// Whether the flow was given up, and says why.
fn gave_up(flow: &Flow) -> bool {
    stopped_two_workers(flow) || is_unconfirmed(flow)
}

/// Whether the flow was given up because nobody knows whether its call was charged, and says so.
fn is_unconfirmed(flow: &Flow) -> bool {
    let given_up = matches!(&flow.status, Status::Failed { failure, .. }
        if failure.code == FailureCode::VendorUnconfirmed);
    given_up && flow.unconfirmed_calls > 0
}

/// Whether the flow was given up because two workers in a row stopped while they held it.
fn stopped_two_workers(flow: &Flow) -> bool {
    let given_up = matches!(&flow.status, Status::Failed { failure, .. }
        if failure.code == FailureCode::WorkerCrashed);
    given_up && flow.fence > 2
}

impl Running {
    /// Submits the batch under test. Its id when the caller was told that it is accepted.
    pub(crate) async fn submit(&self, way: Way) -> Option<BatchId> {
        let order = self.order();
        let accepted = match way {
            Way::Answered => {
                let answered = self.answer.run(order, Products::Stored).await;
                answered.map(|answered| answered.accepted)
            }
            Way::Queued | Way::Cancelled | Way::Retried => self.submit.start(order).await,
        };
        accepted.ok().map(|accepted| accepted.batch.id)
    }

    /// Submits the batch under test under a key, always the same. Its flows when the caller was told of them; whose rows
    /// it was shown, where it waited for them.
    pub(crate) async fn submit_with_key(&self, way: Way) -> Option<(BatchId, Vec<Flow>)> {
        let request = KeyedRequest {
            tenant: tenant(),
            key: "of the caller".parse().unwrap(),
            fingerprint: Sha256Digest::of(b"what it asks for"),
        };
        let found = self.once.find(&request).await.ok()?;
        // Others who ask for the same come in between, as they do where ports take their time.
        tokio::task::yield_now().await;
        let begun = if let Some(begun) = found {
            begun
        } else {
            let begun = self.once.begin(&request, self.order(), None).await;
            begun.ok()?
        };
        tokio::task::yield_now().await;
        let Accepted { batch, flows } = match way {
            Way::Answered => self.once.run(begun, &self.answer).await.ok()?,
            Way::Queued | Way::Cancelled | Way::Retried => {
                let started = self.once.start(begun).await.ok()?;
                return Some((started.batch.id, Vec::new()));
            }
        };
        Some((batch.id, flows))
    }

    fn order(&self) -> TransformRequest {
        let urls: Vec<_> = self.kind.assets().iter().map(|(url, _)| url).collect();
        let operation = self.work.process.catalogue.default_operation();
        TransformRequest {
            tenant: tenant(),
            sources: SourceList::parse(&urls).unwrap(),
            operation: operation.clone(),
            params: Params::default(),
        }
    }

    /// What the caller does with a batch that was accepted, besides waiting for it.
    pub(crate) async fn meddle(&self, way: Way, batch: BatchId) {
        match way {
            Way::Queued | Way::Answered => {}
            Way::Cancelled => {
                self.work_once().await;
                // One that is told that it failed asks again.
                while self.cancel.run(&tenant(), batch).await.is_err() {}
            }
            Way::Retried => {
                self.drain().await;
                // Nobody asks again: the batch may have been started.
                let _ = self.retry.run(&tenant(), batch).await;
            }
        }
    }

    /// Sweeps and works until nothing is left to do, as an event source and a schedule would.
    pub(crate) async fn drain(&self) {
        for _ in 0..1_000 {
            while let Some(next) = self.queue.next_visible() {
                self.sleep_until(next).await;
                self.work_once().await;
            }
            while let Some(next) = self.queue.dead_letters().next_visible() {
                self.sleep_until(next).await;
                self.fail_dead_letters_once().await;
            }
            tokio::time::sleep(GRACE * 2).await;
            let swept = self.sweep.run().await;
            if swept.is_ok_and(|swept| swept == Swept::default())
                && self.queue.next_visible().is_none()
            {
                return;
            }
        }
        panic!("there is always something left to do");
    }

    async fn sleep_until(&self, time: jiff::Timestamp) {
        let wait = time.duration_since(self.work.process.clock.now());
        tokio::time::sleep(wait.try_into().unwrap_or(Duration::ZERO)).await;
    }

    async fn work_once(&self) {
        let Ok(deliveries) = self.deliveries.receive(10, Duration::ZERO).await else {
            return;
        };
        let handled = deliveries.iter().map(async |delivery| {
            // A worker that dies takes no other with it.
            let work = self.work.clone();
            let message = delivery.message.clone();
            let handled = tokio::spawn(async move { work.handle(&message).await }).await;
            if matches!(handled, Ok(Ok(()))) {
                // A failure is as good as a crash here: the message comes again.
                let _ = self.deliveries.acknowledge(&delivery.receipt).await;
            }
        });
        join_all(handled).await;
    }

    async fn fail_dead_letters_once(&self) {
        let Ok(letters) = self.dead_letters.receive(10, Duration::ZERO).await else {
            return;
        };
        for letter in letters {
            if self.fail_dead_letter.handle(&letter.message).await.is_ok() {
                let _ = self.dead_letters.acknowledge(&letter.receipt).await;
            }
        }
    }
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}
