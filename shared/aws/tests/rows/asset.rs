//! What one asset costs: the calls of DynamoDB that its flow makes on the way through a worker.

use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::memory::{MemoryOutputs, MemoryQueue};
use assetmill_contract::samples;
use assetmill_core::pacing::Limits;
use assetmill_core::ports::{FlowDeliveries as _, Sources, SystemClock};
use assetmill_core::usecases::{
    Alike, MessageHandler, Pacer, Process, SourceList, Submit, TimeLimits, TransformRequest,
};
use assetmill_core::{
    Asset, AssetUrl, Catalogue, Cost, FlowId, Labels, MediaType, Operation, OperationDescription,
    OperationError, Params, Product, RetryPolicy, TenantId,
};
use async_trait::async_trait;
use bytes::Bytes;

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

/// The calls of a submission of two assets, of the first of them, and of the second, with which the batch completes. The
/// gate of the operation, which a process reads once in two seconds, is left out where it is read.
async fn calls(on: &World, cost: Cost, limits: &str) -> [Vec<String>; 3] {
    let clock = Arc::new(SystemClock);
    let queue = Arc::new(MemoryQueue::new(clock.clone(), Duration::from_mins(1), 5));
    let operation: Arc<dyn Operation> = Arc::new(Copy(
        samples::description("copy", cost),
        limits.parse().unwrap(),
    ));
    let flows = Arc::new(on.table.flows());
    let submit = Submit {
        flows: flows.clone(),
        queue: queue.clone(),
        clock: clock.clone(),
    };
    let work = MessageHandler {
        process: Process {
            flows,
            sources: Arc::new(Host),
            result_cache: Arc::new(on.table.result_cache()),
            outputs: Arc::new(MemoryOutputs::default()),
            catalogue: Catalogue::new([operation.clone()], &"copy".parse().unwrap()).unwrap(),
            alike: Alike::default(),
            pacer: Pacer::new(Arc::new(on.table.gates()), clock.clone()),
            clock,
            limits: TimeLimits::default(),
        },
        queue: queue.clone(),
    };
    on.called();
    // Their own, so that nothing was made before.
    let url = |name| format!("https://example.com/{}/{name}", limits.len());
    let urls = [url("a"), url("b")];
    let order = TransformRequest {
        tenant: samples::tenant(),
        sources: SourceList::parse(&urls).unwrap(),
        operation,
        params: Params::default(),
        name: None,
        labels: Labels::default(),
        webhook: None,
    };
    submit.start(order).await.unwrap();
    let submitted = on.called();
    let mut counted: Vec<(FlowId, Vec<String>)> = Vec::new();
    // One that waits for its turn is handled twice.
    loop {
        let deliveries = queue.receive(2, Duration::from_secs(5)).await.unwrap();
        for delivery in deliveries {
            // As it comes over the wire.
            let body = serde_json::to_string(&delivery.message).unwrap();
            work.handle(&serde_json::from_str(&body).unwrap())
                .await
                .unwrap();
            let mut called = on.called();
            if called.first().is_some_and(|call| call == "GetItem") {
                called.remove(0);
            }
            let id = delivery.message.flow_id;
            match counted.iter_mut().find(|(flow, _)| *flow == id) {
                Some((_, before)) => before.extend(called),
                None => counted.push((id, called)),
            }
            queue.acknowledge(&delivery.receipt).await.unwrap();
        }
        if queue.next_visible().is_none() {
            break;
        }
    }
    let mut counted = counted.into_iter().map(|(_, called)| called);
    [submitted, counted.next().unwrap(), counted.next().unwrap()]
}

/// Of a free operation: claimed, looked for, remembered, settled, counted. How large its batch is a worker reads once.
pub(super) async fn a_free_asset_makes_five_calls(on: World) {
    let [submitted, first, last] = calls(&on, Cost::Free, "").await;
    // The first says who is told of flows, which is nobody.
    let written = ["GetItem", "BatchWriteItem", "PutItem", "UpdateItem"];
    assert_eq!(submitted, written);
    let until_settled = ["UpdateItem", "GetItem", "UpdateItem", "UpdateItem"];
    assert_eq!(first[..4], until_settled);
    assert_eq!(first[4..], ["GetItem", "UpdateItem"]);
    assert_eq!(last[..4], until_settled);
    // Counted; with it the part, and the batch; that it is completed; who is to be told, by the tenant and by the batch,
    // which is nobody, and that all has followed.
    assert_eq!(last[4..7], ["UpdateItem"; 3]);
    assert_eq!(last[7..], ["GetItem", "GetItem", "UpdateItem"]);
}

/// Of a paid one: claimed, its work looked for and claimed, the call announced, remembered, settled, counted.
pub(super) async fn a_paid_asset_makes_seven_calls(on: World) {
    let [_, _, last] = calls(&on, Cost::Paid, "").await;
    let expected = [
        "UpdateItem",
        "GetItem",
        "PutItem",
        "UpdateItem",
        "UpdateItem",
        "UpdateItem",
        "UpdateItem",
    ];
    assert_eq!(last[..7], expected);
    assert_eq!(last[7..9], ["UpdateItem"; 2]);
    assert_eq!(last[9..], ["GetItem", "GetItem", "UpdateItem"]);
}

/// How many of these calls write.
fn writes(calls: &[String]) -> usize {
    calls.iter().filter(|call| *call != "GetItem").count()
}

/// A rate costs each flow the write of its slot, and one that has to wait a second, which says so in its row. Nothing else,
/// and no claim.
pub(super) async fn a_rate_makes_one_write_more(on: World) {
    let [_, first, last] = calls(&on, Cost::Paid, "").await;
    let free_of_rate = [writes(&first), writes(&last)];
    let [_, first, last] = calls(&on, Cost::Paid, "rate=60/min").await;
    assert_eq!(writes(&first), free_of_rate[0] + 1, "{first:?}");
    assert_eq!(writes(&last), free_of_rate[1] + 2, "{last:?}");
    assert_eq!(last[..2], ["UpdateItem"; 2]);
}
