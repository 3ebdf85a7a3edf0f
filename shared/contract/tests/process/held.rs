//! What happens to a flow while its asset is fetched for a paid call.

use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::samples;
use assetmill_core::ports::{FlowChanges as _, FlowWrites, Sources};
use assetmill_core::usecases::{Outcome, Process, Waiting};
use assetmill_core::{
    Asset, AssetUrl, Catalogue, Failure, FlowId, Operation, OperationError, TenantId,
};
use async_trait::async_trait;
use bytes::Bytes;

use super::unknown_name;
use super::world::{Copy, World};

/// Every asset is the same, and takes so long.
struct Host(Duration);

#[async_trait]
impl Sources for Host {
    async fn fetch(&self, _: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        tokio::time::sleep(self.0).await;
        Ok(Asset {
            url: url.clone(),
            content: Bytes::from_static(b"the same"),
        })
    }
}

/// While it is asked, a flow is settled by others.
struct Settling {
    flows: Arc<dyn FlowWrites>,
    flow: FlowId,
}

#[async_trait]
impl Sources for Settling {
    async fn fetch(&self, tenant: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        let failure = Failure::worker_crashed();
        let buried = self
            .flows
            .fail_dead_letter(self.flow, failure, samples::at(1));
        buried.await.unwrap();
        Host(Duration::ZERO).fetch(tenant, url).await
    }
}

fn at_a_paid(world: &World, copy: &Arc<Copy>, sources: Arc<dyn Sources>) -> Process {
    let operation: Arc<dyn Operation> = copy.clone();
    Process {
        sources,
        catalogue: Catalogue::new([operation], &"copy".parse().unwrap()).unwrap(),
        ..world.process.clone()
    }
}

/// A function that was frozen while it fetched, and thaws when its claim has ended.
#[tokio::test(start_paused = true)]
async fn who_comes_back_after_its_lease_calls_nobody() {
    let world = World::new(|_| unknown_name()).await;
    let copy = Arc::new(Copy::paid());
    let frozen = Arc::new(Host(world.process.limits.lease));
    let process = at_a_paid(&world, &copy, frozen);
    let outcome = process.attempt(world.id, Waiting::Nobody).await.unwrap();
    assert!(matches!(outcome, Outcome::Wait { .. }), "{outcome:?}");
    assert_eq!((copy.runs(), world.flow().await.unconfirmed_calls), (0, 0));
    let process = at_a_paid(&world, &copy, Arc::new(Host(Duration::ZERO)));
    let outcome = process.attempt(world.id, Waiting::Nobody).await.unwrap();
    assert_eq!((outcome, copy.runs()), (Outcome::Settled, 1));
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_settled_before_its_call_leaves_equal_work_to_others() {
    let world = World::new(|_| unknown_name()).await;
    let copy = Arc::new(Copy::paid());
    let (batch, mut rows) = samples::batch(1);
    rows[0].operation = "copy".parse().unwrap();
    world.process.flows.put_flows(&rows).await.unwrap();
    world.process.flows.put_batch(&batch).await.unwrap();
    let settling = Arc::new(Settling {
        flows: world.process.flows.clone(),
        flow: world.id,
    });
    let process = at_a_paid(&world, &copy, settling);
    process.attempt(world.id, Waiting::Nobody).await.unwrap();
    assert_eq!(copy.runs(), 0);
    let equal = process.attempt(rows[0].id, Waiting::Nobody).await.unwrap();
    assert_eq!((equal, copy.runs()), (Outcome::Settled, 1));
}
