//! A process that stops, or whose calls fail, at every point in turn loses nothing.
//!
//! The points are enumerated: each call to a port, in the order in which the batch makes them, is
//! spoilt once in each way.
#![allow(clippy::unwrap_used, clippy::panic)]

mod stubs;
mod world;

use assetmill_contract::faults::{Fault, Faults};
use assetmill_core::Cost;

use world::{Way, World};

/// Runs a batch in a process with a fault, then recovers in one without. How many calls the first
/// process made.
async fn survives(way: Way, cost: Cost, call: usize, fault: Fault) -> usize {
    let world = World::with_operation(cost);
    let faults = Faults::at(call, fault);
    let process = world.process(&faults);
    let accepted = faults
        .run(async {
            let accepted = process.submit(way).await;
            process.drain().await;
            accepted
        })
        .await
        .unwrap_or_default();
    world.process(&Faults::none()).drain().await;
    world
        .check(accepted)
        .await
        .unwrap_or_else(|broken| panic!("{way:?}, {cost:?}, {fault:?} at call {call}: {broken}"));
    faults.calls()
}

async fn survives_every_point(way: Way, fault: Fault) {
    for cost in [Cost::Paid, Cost::Free] {
        let mut call = 1;
        while survives(way, cost, call, fault).await >= call {
            call += 1;
        }
        // A batch of eight flows can't do with fewer; if it seems to, the points were not reached.
        assert!(call > 50, "{call} points");
    }
}

macro_rules! every_point {
    ($($name:ident: $way:ident, $fault:ident;)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            survives_every_point(Way::$way, Fault::$fault).await;
        })*
    };
}

every_point! {
    queued_stop_before: Queued, StopBefore;
    queued_stop_after: Queued, StopAfter;
    queued_fail_before: Queued, FailBefore;
    queued_fail_after: Queued, FailAfter;
    answered_stop_before: Answered, StopBefore;
    answered_stop_after: Answered, StopAfter;
    answered_fail_before: Answered, FailBefore;
    answered_fail_after: Answered, FailAfter;
}

/// The process that recovers stops as well, at every point of its own. To stop before a call is to
/// stop after the one before it, so one of the two is enough for pairs.
#[tokio::test(start_paused = true)]
async fn recovery_survives_every_point() {
    let fault = Fault::StopAfter;
    for first in 1.. {
        let mut second = 1;
        loop {
            let (first_calls, second_calls) = survives_twice(fault, first, second).await;
            if first_calls < first {
                // A batch of eight flows can't do with fewer calls.
                assert!(first > 50, "{first} points");
                return;
            }
            if second_calls < second {
                break;
            }
            second += 1;
        }
    }
}

async fn survives_twice(fault: Fault, first: usize, second: usize) -> (usize, usize) {
    let world = World::new();
    let faults = Faults::at(first, fault);
    let process = world.process(&faults);
    let accepted = faults
        .run(async {
            let accepted = process.submit(Way::Queued).await;
            process.drain().await;
            accepted
        })
        .await
        .unwrap_or_default();
    let again = Faults::at(second, fault);
    again.run(world.process(&again).drain()).await;
    world.process(&Faults::none()).drain().await;
    world
        .check(accepted)
        .await
        .unwrap_or_else(|broken| panic!("{fault:?} at {first} and {second}: {broken}"));
    (faults.calls(), again.calls())
}

/// Every message comes twice and in another order; nothing is done twice.
#[tokio::test(start_paused = true)]
async fn duplicates_and_reordering_change_nothing() {
    let world = World::with_duplicates();
    let process = world.process(&Faults::none());
    let accepted = process.submit(Way::Queued).await;
    process.drain().await;
    world.check(accepted).await.unwrap();
    assert!(world.vendor.charges().values().all(|charges| *charges == 1));
}

/// A flow whose worker dies every time ends as failed, and its neighbours end well.
#[tokio::test(start_paused = true)]
async fn a_poison_message_ends_in_the_dead_letter_queue() {
    a_poison_asset_fails_alone("https://example.com/b").await;
}

/// Two flows of the same work take turns: while one waits for the other, its message is sent anew,
/// and the queue no longer counts how often it came.
#[tokio::test(start_paused = true)]
async fn poison_that_two_flows_share_ends_as_well() {
    a_poison_asset_fails_alone("https://example.com/a").await;
}

async fn a_poison_asset_fails_alone(url: &str) {
    let world = World::new();
    world.vendor.poison(url);
    let process = world.process(&Faults::none());
    let accepted = process.submit(Way::Queued).await;
    process.drain().await;
    world.check_poisoned(accepted, url).await.unwrap();
}
