//! What is different in a function: it is frozen once its caller has an answer, and AWS ends what goes from
//! functions to queues and back for too long.
#![allow(clippy::unwrap_used, clippy::panic)]

mod queue;
mod vendor;
mod world;

use std::time::Duration;

use assetmill_core::{FailureCode, FlowState, Status};
use queue::MAX_CHAIN;
use vendor::Vendor;
use world::{Life, World};

/// A vendor that asks for patience 200 times: the flow waits, in chains that AWS does not end.
#[tokio::test(start_paused = true)]
async fn a_flow_that_waits_two_hundred_times_is_not_lost() {
    let world = World::new(Vendor::throttling(200));
    let flow = world.submitted().await;
    world.run_until_settled(flow, Life::of_a_worker()).await;
    let row = world.flow(flow).await;
    assert_eq!(row.state(), FlowState::Completed, "{:?}", row.status);
    assert_eq!((row.attempts, row.unconfirmed_calls), (1, 0));
    assert_eq!(world.vendor.calls(), 201);
    assert_eq!(world.dead_letters(), 0);
    let longest = world.queue.longest_chain();
    assert!((2..=MAX_CHAIN).contains(&longest), "{longest}");
}

/// Flows that stand in line for hours: by messages up to one hour, and then by the schedule, where messages would be too
/// many. None comes too late, and what each writes is counted.
#[tokio::test(start_paused = true)]
async fn flows_that_stand_in_line_for_hours_write_little() {
    let world = World::new(Vendor::limited("rate=2/h"));
    let mut flows = Vec::new();
    for number in 0..5 {
        let url = format!("https://example.com/{number}");
        flows.push(world.submitted_of(&url).await);
    }
    let mut writes = Vec::new();
    for flow in flows {
        world.run_until_settled(flow, Life::of_a_worker()).await;
        let row = world.flow(flow).await;
        assert_eq!(row.state(), FlowState::Completed, "{:?}", row.status);
        assert_eq!(row.attempts, 1);
        writes.push(row.revision);
    }
    // Its row, its call, and its end. Who waits for half an hour says so, as for an hour, an hour and a half, and two;
    // beyond an hour, that it was found by the schedule is noted.
    assert_eq!(writes, [3, 4, 5, 5, 5]);
    assert_eq!((world.vendor.calls(), world.dead_letters()), (5, 0));
    assert!(world.queue.longest_chain() <= MAX_CHAIN);
}

/// Who waits for a place looks for it again and again, which is written when it begins to wait, when its messages are as
/// many as may be, and when the schedule sends another.
#[tokio::test(start_paused = true)]
async fn a_flow_that_waits_for_a_place_writes_little() {
    let world = World::new(Vendor::limited("concurrency=4"));
    let without = world.submitted_of("https://example.com/0").await;
    world.run_until_settled(without, Life::of_a_worker()).await;
    world.places_are_held(4, 4, Duration::from_mins(4)).await;
    let waits = world.submitted_of("https://example.com/1").await;
    world.run_until_settled(waits, Life::of_a_worker()).await;
    let row = world.flow(waits).await;
    assert_eq!(row.state(), FlowState::Completed, "{:?}", row.status);
    assert_eq!(row.attempts, 1);
    let extra = row.revision - world.flow(without).await.revision;
    assert!(extra <= 9, "{extra} writes in four minutes");
}

/// The control: such a queue does end chains, and who sends on without a bound loses the flow.
#[tokio::test(start_paused = true)]
async fn a_chain_without_a_bound_ends_as_a_dead_letter() {
    let world = World::new(Vendor::throttling(200));
    world.submitted().await;
    let mut life = Life::of_a_worker();
    life.limits.hops = None;
    world.run_until_dead_letter(life).await;
    assert!(world.vendor.calls() < 20, "{}", world.vendor.calls());
}

/// Whether it is answered in time or not: a vendor that is slow is called once, also where the function
/// that answers is frozen then.
#[tokio::test(start_paused = true)]
async fn a_slow_vendor_is_called_once() {
    for (seconds, answered) in [(10, true), (30, false), (60, false), (300, false)] {
        for freezes in [true, false] {
            let case = format!("{seconds} s, frozen: {freezes}");
            let world = World::new(Vendor::that_takes(Duration::from_secs(seconds)));
            let flow = world.asked(freezes).await;
            let in_time = flow.state() == FlowState::Completed;
            assert_eq!(in_time, answered, "{case}: {:?}", flow.status);
            world.run_until_settled(flow.id, Life::of_a_worker()).await;
            let row = world.flow(flow.id).await;
            assert_eq!(world.vendor.calls(), 1, "{case}: {:?}", row.status);
            // A vendor's profile gives it 120 seconds.
            match row.status {
                Status::Completed { .. } => assert!(seconds < 120, "{case}"),
                Status::Failed { failure, .. } => {
                    assert_eq!(failure.code, FailureCode::VendorTimeout, "{case}");
                    assert_eq!(row.unconfirmed_calls, 1, "{case}");
                }
                other => panic!("{case}: {other:?}"),
            }
        }
    }
}

/// The same of a vendor that takes work on: whoever asks next goes on, and a function that is frozen in the middle of
/// a question leaves it to another. It may take longer than any function runs.
#[tokio::test(start_paused = true)]
async fn a_job_is_begun_once_whoever_asks_about_it() {
    for (seconds, answered) in [
        (10, true),
        (30, false),
        (60, false),
        (300, false),
        (3_600, false),
    ] {
        for freezes in [true, false] {
            let case = format!("{seconds} s, frozen: {freezes}");
            let world = World::new(Vendor::of_jobs_that_take(Duration::from_secs(seconds)));
            let flow = world.asked(freezes).await;
            let in_time = flow.state() == FlowState::Completed;
            assert_eq!(in_time, answered, "{case}: {:?}", flow.status);
            world.run_until_settled(flow.id, Life::of_a_worker()).await;
            let row = world.flow(flow.id).await;
            assert_eq!(
                row.state(),
                FlowState::Completed,
                "{case}: {:?}",
                row.status
            );
            assert_eq!(world.vendor.calls(), 1, "{case}");
            assert_eq!((row.attempts, row.unconfirmed_calls), (1, 0), "{case}");
            assert_eq!(world.dead_letters(), 0, "{case}");
            assert!(world.queue.longest_chain() <= MAX_CHAIN, "{case}");
        }
    }
}

/// A call that ends by itself while the caller still waits needs no worker.
#[tokio::test(start_paused = true)]
async fn a_quick_vendor_is_called_by_the_function_that_answers() {
    let vendor = Vendor::that_takes(Duration::from_secs(3)).within(Duration::from_secs(15));
    let world = World::new(vendor);
    let flow = world.asked_without_workers().await;
    assert_eq!(flow.state(), FlowState::Completed, "{:?}", flow.status);
    assert_eq!(world.vendor.calls(), 1);
}
