//! What one asset costs: the calls of DynamoDB that its flow makes on the way through a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use assetmill_contract::memory::{MemoryOutputs, MemoryQueue};
use assetmill_contract::samples;
use assetmill_core::pacing::{Gate, Limits};
use assetmill_core::ports::{
    Delivery, FlowDeliveries as _, GateReads, GateRule, Gates, Sources, SystemClock, Unavailable,
};
use assetmill_core::usecases::{
    Alike, MessageHandler, Pacer, Process, SourceList, Submit, TimeLimits, TransformRequest,
};
use assetmill_core::{
    Asset, AssetUrl, Catalogue, Cost, FlowId, Labels, MediaType, Operation, OperationDescription,
    OperationError, OperationName, Params, Product, RetryPolicy, TenantId,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;

use crate::world::World;

/// Where the asset is: at its URL, which is its content.
struct Host;

#[async_trait]
impl Sources for Host {
    async fn fetch(&self, _: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        let content = Bytes::from(url.to_string());
        let url = url.clone();
        Ok(Asset { url, content })
    }
}

struct Copy(OperationDescription, Limits);

#[async_trait]
impl Operation for Copy {
    fn description(&self) -> &OperationDescription {
        &self.0
    }

    fn fingerprint(&self) -> &'static str {
        "1"
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

/// Gates whose reads are counted: a process reads each once in two seconds, for all its flows.
struct CountedGates {
    gates: Arc<dyn Gates>,
    reads: AtomicUsize,
}

#[async_trait]
impl GateReads for CountedGates {
    async fn gate(&self, operation: &OperationName) -> Result<Gate, Unavailable> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.gates.gate(operation).await
    }
}

#[async_trait]
impl Gates for CountedGates {
    async fn change_gate(
        &self,
        operation: &OperationName,
        guess: Option<Gate>,
        rule: GateRule,
    ) -> Result<Gate, Unavailable> {
        self.gates.change_gate(operation, guess, rule).await
    }
}

/// A worker at one operation, and its queue.
struct Work {
    gates: Arc<CountedGates>,
    submit: Submit,
    handler: MessageHandler,
    queue: Arc<MemoryQueue>,
    operation: Arc<dyn Operation>,
    /// Makes its assets its own, so that nothing was made before.
    name: FlowId,
}

impl Work {
    fn new(on: &World, cost: Cost, limits: &str) -> Self {
        let clock = Arc::new(SystemClock);
        let queue = Arc::new(MemoryQueue::new(clock.clone(), Duration::from_mins(1), 5));
        let name = FlowId::generate();
        let operation: Arc<dyn Operation> = Arc::new(Copy(
            samples::description(&format!("copy-{name}"), cost),
            limits.parse().unwrap(),
        ));
        let flows = Arc::new(on.table.flows());
        let submit = Submit {
            flows: flows.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
        };
        let gates = Arc::new(CountedGates {
            gates: Arc::new(on.table.gates()),
            reads: AtomicUsize::new(0),
        });
        let process = Process {
            flows,
            sources: Arc::new(Host),
            result_cache: Arc::new(on.table.result_cache()),
            outputs: Arc::new(MemoryOutputs::default()),
            catalogue: Catalogue::new([operation.clone()], &operation.description().name).unwrap(),
            alike: Alike::default(),
            pacer: Pacer::beside_others(gates.clone(), clock.clone()),
            clock,
            limits: TimeLimits::default(),
        };
        Self {
            gates,
            submit,
            handler: MessageHandler {
                process,
                queue: queue.clone(),
            },
            queue,
            operation,
            name,
        }
    }

    async fn submit(&self, assets: u32) {
        let url = |number| format!("https://example.com/{}/{number}", self.name);
        let urls: Vec<_> = (0..assets).map(url).collect();
        let order = TransformRequest {
            tenant: samples::tenant(),
            sources: SourceList::parse(&urls).unwrap(),
            operation: self.operation.clone(),
            params: Params::default(),
            name: None,
            labels: Labels::default(),
            webhook: None,
        };
        self.submit.start(order).await.unwrap();
    }

    async fn handle(&self, delivery: &Delivery) {
        // As it comes over the wire.
        let body = serde_json::to_string(&delivery.message).unwrap();
        let message = serde_json::from_str(&body).unwrap();
        self.handler.handle(&message).await.unwrap();
        self.queue.acknowledge(&delivery.receipt).await.unwrap();
    }

    async fn handle_together(&self, most: usize) {
        let deliveries = self.queue.receive(most, Duration::from_secs(5)).await;
        let deliveries = deliveries.unwrap();
        join_all(deliveries.iter().map(|delivery| self.handle(delivery))).await;
    }
}

/// The calls of a submission of two assets, of the first of them, and of the second, with which the batch completes. The
/// gate of the operation, which is read before anything else, is left out where it is read.
async fn calls(on: &World, cost: Cost, limits: &str) -> [Vec<String>; 3] {
    let work = Work::new(on, cost, limits);
    on.called();
    work.submit(2).await;
    let submitted = on.called();
    let mut counted: Vec<(FlowId, Vec<String>)> = Vec::new();
    // One that waits for its turn is handled twice.
    while work.queue.next_visible().is_some() {
        let deliveries = work.queue.receive(2, Duration::from_secs(5)).await.unwrap();
        for delivery in deliveries {
            work.handle(&delivery).await;
            let read = work.gates.reads.swap(0, Ordering::SeqCst);
            let called: Vec<_> = on.called().into_iter().skip(read).collect();
            let id = delivery.message.flow_id;
            match counted.iter_mut().find(|(flow, _)| *flow == id) {
                Some((_, before)) => before.extend(called),
                None => counted.push((id, called)),
            }
        }
    }
    let mut counted = counted.into_iter().map(|(_, called)| called);
    [submitted, counted.next().unwrap(), counted.next().unwrap()]
}

/// Of a free operation: looked for, remembered, claimed and settled at once, counted. How large its batch is a worker
/// reads once.
pub(super) async fn a_free_asset_makes_four_calls(on: World) {
    let [submitted, first, last] = calls(&on, Cost::Free, "").await;
    // The first says who is told of flows, which is nobody.
    let written = ["GetItem", "BatchWriteItem", "PutItem", "UpdateItem"];
    assert_eq!(submitted, written);
    let until_settled = ["GetItem", "UpdateItem", "UpdateItem"];
    assert_eq!(first[..3], until_settled);
    assert_eq!(first[3..], ["GetItem", "UpdateItem"]);
    assert_eq!(last[..3], until_settled);
    // Counted; with it the part, and the batch; that it is completed; who is to be told, by the tenant and by the batch,
    // which is nobody, and that all has followed.
    assert_eq!(last[3..6], ["UpdateItem"; 3]);
    assert_eq!(last[6..], ["GetItem", "GetItem", "UpdateItem"]);
}

/// Of a paid one: its work looked for and claimed, itself claimed and its call announced at once, remembered, settled,
/// counted.
pub(super) async fn a_paid_asset_makes_six_calls(on: World) {
    let [_, _, last] = calls(&on, Cost::Paid, "").await;
    let expected = [
        "GetItem",
        "PutItem",
        "UpdateItem",
        "UpdateItem",
        "UpdateItem",
        "UpdateItem",
    ];
    assert_eq!(last[..6], expected);
    assert_eq!(last[6..8], ["UpdateItem"; 2]);
    assert_eq!(last[8..], ["GetItem", "GetItem", "UpdateItem"]);
}

/// How many of these calls write.
fn writes(calls: &[String]) -> usize {
    calls.iter().filter(|call| *call != "GetItem").count()
}

/// How many writes the first flow of an operation with these limits makes more than one without, and how many the
/// second, which comes after it, to the same process.
async fn extra(on: &World, cost: Cost, limits: &str) -> [usize; 2] {
    let [_, first, last] = calls(on, cost, "").await;
    let without = [writes(&first), writes(&last)];
    let [_, first, last] = calls(on, cost, limits).await;
    [writes(&first) - without[0], writes(&last) - without[1]]
}

/// A rate costs each flow the write of its slot, and one that has to wait says so in its row.
pub(super) async fn a_rate_makes_one_write_more_and_waiting_another(on: World) {
    assert_eq!(extra(&on, Cost::Paid, "rate=60/min").await, [1, 2]);
    // Long enough for the gate to be read anew when it comes back.
    let [_, _, last] = calls(&on, Cost::Paid, "rate=20/min").await;
    // Its slot, its place in line, what was made before, its work, its claim and its call.
    let until_called = [
        "UpdateItem",
        "UpdateItem",
        "GetItem",
        "PutItem",
        "UpdateItem",
    ];
    assert_eq!(last[..5], until_called);
    // Where nothing is paid, no write is between the claim and the call, which two deliveries would make in one slot: it
    // is claimed by a write of its own.
    assert_eq!(extra(&on, Cost::Free, "rate=60/min").await, [1, 3]);
}

/// A process that is alone takes a place, and keeps it for the next call.
pub(super) async fn a_place_makes_one_write_more(on: World) {
    assert_eq!(extra(&on, Cost::Paid, "concurrency=4").await, [1, 0]);
    // Where it would be much of all places, it is given back.
    assert_eq!(extra(&on, Cost::Paid, "concurrency=3").await, [2, 2]);
}

/// Slot and place are taken in one write.
pub(super) async fn a_rate_and_places_make_no_more_writes_than_a_rate(on: World) {
    let limits = "rate=60/min,burst=1,concurrency=20";
    assert_eq!(extra(&on, Cost::Paid, limits).await, [1, 2]);
}

/// Ten at once, as an invocation has them: one is admitted, and nine wait.
pub(super) async fn ten_together_share_the_write_of_their_slots(on: World) {
    let mut written = Vec::new();
    for limits in ["", "rate=120/min", "rate=120/min,concurrency=20"] {
        let work = Work::new(&on, Cost::Paid, limits);
        work.submit(10).await;
        on.called();
        let mut calls = Vec::new();
        while work.queue.next_visible().is_some() {
            work.handle_together(10).await;
            calls.extend(on.called());
        }
        written.push(writes(&calls));
    }
    let [without, rate, both] = written[..] else {
        panic!("three");
    };
    // Who asks first asks alone, and the others mostly together: far less than one slot each, as fast as they come.
    for written in [rate, both] {
        // Nine say that they wait.
        assert!(written < without + 9 + 10, "{written}, and {without}");
    }
}
