//! Who holds a flow while its asset is fetched and its step runs, and who sees that.

use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::samples;
use assetmill_core::ports::{FlowChanges as _, FlowWrites, Sources};
use assetmill_core::usecases::{Alike, Outcome, Process, Waiting};
use assetmill_core::{
    Asset, AssetUrl, Cancellation, Catalogue, Failure, Flow, FlowId, FlowState, Operation,
    OperationError, TenantId,
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

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
    assert_eq!(
        (outcome, copy.runs()),
        (Outcome::Settled { content: None }, 1)
    );
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
    assert_eq!(
        (equal, copy.runs()),
        (Outcome::Settled { content: None }, 1)
    );
}

/// A process at an operation, whose source and operation take so long; and the flow as its message carries it.
async fn taking(world: &World, copy: Copy, fetch: Duration) -> (Process, Arc<Copy>, Flow) {
    let copy = Arc::new(copy);
    let process = at_a_paid(world, &copy, Arc::new(Host(fetch)));
    (process, copy, world.flow().await)
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_quickly_done_is_claimed_with_its_first_change() {
    for (copy, changes) in [(Copy::default(), 1), (Copy::paid(), 2)] {
        let world = World::new(|_| unknown_name()).await;
        let (process, copy, before) = taking(&world, copy, Duration::from_millis(900)).await;
        let outcome = process.attempt(&before, Waiting::Nobody).await.unwrap();
        let after = world.flow().await;
        assert_eq!(
            (outcome, copy.runs()),
            (Outcome::Settled { content: None }, 1)
        );
        assert_eq!(after.revision, before.revision + changes);
        // As if it had been claimed by itself.
        assert_eq!((after.attempts, after.fence), (1, 1));
        assert!(after.started_at.is_some());
    }
}

/// Whoever looks at it sees that it runs, though nothing else was written of it.
#[tokio::test(start_paused = true)]
async fn a_flow_that_takes_long_is_seen_to_run() {
    let long = Duration::from_mins(1);
    let slow_sources = [(Copy::default(), long), (Copy::paid(), long)];
    let slow_steps = [(Copy::default().taking(long), Duration::ZERO)];
    for (copy, fetch) in slow_sources.into_iter().chain(slow_steps) {
        let world = World::new(|_| unknown_name()).await;
        let (process, copy, before) = taking(&world, copy, fetch).await;
        let attempt = tokio::spawn(async move { process.attempt(&before, Waiting::Nobody).await });
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(world.flow().await.state(), FlowState::Running);
        let outcome = attempt.await.unwrap().unwrap();
        assert_eq!(
            (outcome, copy.runs()),
            (Outcome::Settled { content: None }, 1)
        );
    }
}

/// A queue may deliver a message twice, and who asks for the same at once has it sent twice.
#[tokio::test(start_paused = true)]
async fn a_flow_is_not_taken_up_twice_in_one_process() {
    for copy in [Copy::default(), Copy::paid()] {
        let world = World::new(|_| unknown_name()).await;
        let (process, copy, before) = taking(&world, copy, Duration::from_millis(900)).await;
        let begun = Instant::now();
        let again = async {
            let outcome = process.attempt(&before, Waiting::Nobody).await.unwrap();
            assert!(matches!(outcome, Outcome::Wait { .. }), "{outcome:?}");
            assert_eq!(begun.elapsed(), Duration::ZERO, "nothing was fetched");
        };
        let (first, ()) = tokio::join!(process.attempt(&before, Waiting::Nobody), again);
        assert_eq!(
            (first.unwrap(), copy.runs()),
            (Outcome::Settled { content: None }, 1)
        );
        // Whoever had to wait finds it done.
        let after = process.attempt(world.id, Waiting::Nobody).await.unwrap();
        assert_eq!(
            (after, copy.runs()),
            (Outcome::Settled { content: None }, 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_processes_that_take_up_a_flow_one_calls_its_vendor() {
    let world = World::new(|_| unknown_name()).await;
    let (process, copy, before) = taking(&world, Copy::paid(), Duration::from_millis(900)).await;
    let another = Process {
        alike: Alike::default(),
        ..process.clone()
    };
    let both = tokio::join!(
        process.attempt(&before, Waiting::Nobody),
        another.attempt(&before, Waiting::Nobody)
    );
    let settled = [both.0.unwrap(), both.1.unwrap()];
    let settled = settled
        .iter()
        .filter(|it| matches!(it, Outcome::Settled { .. }));
    assert_eq!((settled.count(), copy.runs()), (1, 1));
    assert_eq!(world.flow().await.unconfirmed_calls, 0);
}

/// Before it is claimed by itself, and before it is announced.
#[tokio::test(start_paused = true)]
async fn a_flow_that_is_cancelled_while_it_is_fetched_costs_nothing_and_stays_cancelled() {
    for fetch in [Duration::from_millis(900), Duration::from_mins(1)] {
        let world = World::new(|_| unknown_name()).await;
        let (process, copy, before) = taking(&world, Copy::paid(), fetch).await;
        let cancels = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let flows = &world.process.flows;
            flows
                .cancel(&before.tenant, before.id, samples::at(1))
                .await
        };
        let (_, cancelled) = tokio::join!(process.attempt(&before, Waiting::Nobody), cancels);
        assert!(matches!(cancelled.unwrap(), Cancellation::Cancelled(_)));
        assert_eq!(copy.runs(), 0);
        assert_eq!(world.flow().await.state(), FlowState::Cancelled);
    }
}
