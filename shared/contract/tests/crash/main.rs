//! A process that stops, or whose calls fail, at every point in turn loses nothing.
//!
//! The points are enumerated: each call to a port, in the order in which the batch makes them, is
//! spoilt once in each way.
#![allow(clippy::unwrap_used, clippy::panic)]

mod keyed;
mod stubs;
mod world;

use assetmill_contract::faults::{Fault, Faults};
use assetmill_core::FailureCode;
use world::{Kind, Way, World};

/// Runs a batch in a process with a fault, then recovers in one without. How many calls the first
/// process made.
async fn survives(way: Way, kind: Kind, call: usize, fault: Fault) -> usize {
    let mut world = World::of(kind);
    world.gates_fail = true;
    world.has_bus = true;
    let faults = Faults::at(call, fault);
    let process = world.process(&faults);
    let accepted = faults
        .run(async {
            let accepted = process.submit(way).await;
            if let Some(batch) = accepted {
                process.meddle(way, batch).await;
            }
            process.drain().await;
            accepted
        })
        .await
        .unwrap_or_default();
    world.process(&Faults::none()).drain().await;
    world
        .check(accepted, way)
        .await
        .unwrap_or_else(|broken| panic!("{way:?}, {kind:?}, {fault:?} at call {call}: {broken}"));
    faults.calls()
}

async fn survives_every_point(way: Way, fault: Fault) {
    for kind in [Kind::Paid, Kind::Free, Kind::Paced, Kind::Chain, Kind::Job] {
        let mut call = 1;
        while survives(way, kind, call, fault).await >= call {
            call += 1;
        }
        // A batch can't do with fewer; if it seems to, the points were not reached.
        assert!(call > 50, "{kind:?}: {call} points");
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
    cancelled_stop_before: Cancelled, StopBefore;
    cancelled_stop_after: Cancelled, StopAfter;
    cancelled_fail_before: Cancelled, FailBefore;
    cancelled_fail_after: Cancelled, FailAfter;
    retried_stop_before: Retried, StopBefore;
    retried_stop_after: Retried, StopAfter;
    retried_fail_before: Retried, FailBefore;
    retried_fail_after: Retried, FailAfter;
}

/// The process that recovers stops as well, at every point of its own. To stop before a call is to
/// stop after the one before it, so one of the two is enough for pairs.
#[tokio::test(start_paused = true)]
async fn recovery_survives_every_point() {
    recovery_survives(Way::Queued, Kind::Paid).await;
}

/// As above, for two vendors.
#[tokio::test(start_paused = true)]
async fn recovery_of_a_chain_survives_every_point() {
    recovery_survives(Way::Queued, Kind::Chain).await;
}

/// As above, where the second vendor is asked until it is done.
#[tokio::test(start_paused = true)]
async fn recovery_of_jobs_survives_every_point() {
    recovery_survives(Way::Queued, Kind::Job).await;
}

/// As above, where the vendor is asked once a second.
#[tokio::test(start_paused = true)]
async fn recovery_of_what_stands_in_line_survives_every_point() {
    recovery_survives(Way::Queued, Kind::Paced).await;
}

/// As above, where the caller cancels.
#[tokio::test(start_paused = true)]
async fn recovery_of_what_is_cancelled_survives_every_point() {
    recovery_survives(Way::Cancelled, Kind::Job).await;
}

/// As above, where the caller has what failed run again.
#[tokio::test(start_paused = true)]
async fn recovery_of_what_is_retried_survives_every_point() {
    recovery_survives(Way::Retried, Kind::Paid).await;
}

async fn recovery_survives(way: Way, kind: Kind) {
    let fault = Fault::StopAfter;
    for first in 1.. {
        let mut second = 1;
        loop {
            let (first_calls, second_calls) = survives_twice(way, kind, fault, first, second).await;
            if first_calls < first {
                // A batch can't do with fewer calls.
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

async fn survives_twice(
    way: Way,
    kind: Kind,
    fault: Fault,
    first: usize,
    second: usize,
) -> (usize, usize) {
    let world = match kind {
        Kind::Paid => World::of(kind),
        Kind::Free | Kind::Paced | Kind::Chain | Kind::Job => World::told_of_batches(kind),
    };
    let faults = Faults::at(first, fault);
    let process = world.process(&faults);
    let accepted = faults
        .run(async {
            let accepted = process.submit(way).await;
            if let Some(batch) = accepted {
                process.meddle(way, batch).await;
            }
            process.drain().await;
            accepted
        })
        .await
        .unwrap_or_default();
    let again = Faults::at(second, fault);
    again.run(world.process(&again).drain()).await;
    world.process(&Faults::none()).drain().await;
    world
        .check(accepted, way)
        .await
        .unwrap_or_else(|broken| panic!("{way:?}, {fault:?} at {first} and {second}: {broken}"));
    (faults.calls(), again.calls())
}

/// Every message comes twice and in another order; nothing is done twice.
#[tokio::test(start_paused = true)]
async fn duplicates_and_reordering_change_nothing() {
    for kind in [Kind::Paid, Kind::Paced] {
        let world = World::with_duplicates(kind);
        let process = world.process(&Faults::none());
        let accepted = process.submit(Way::Queued).await;
        process.drain().await;
        world.check(accepted, Way::Queued).await.unwrap();
        let charges = world.vendors[0].charges();
        assert!(charges.values().all(|charges| *charges == 1));
    }
}

/// A flow whose worker dies every time ends as failed, and its neighbours end well. Whether a vendor that was
/// being called has charged nobody knows, so it is not called again.
#[tokio::test(start_paused = true)]
async fn a_poison_message_ends_in_the_dead_letter_queue() {
    for kind in [Kind::Free, Kind::Paid, Kind::Paced] {
        a_poison_asset_fails_alone(kind, "https://example.com/b").await;
    }
}

/// Two flows of the same work take turns: while one waits for the other, its message is sent anew,
/// and the queue no longer counts how often it came.
#[tokio::test(start_paused = true)]
async fn poison_that_two_flows_share_ends_as_well() {
    for kind in [Kind::Free, Kind::Paid, Kind::Chain] {
        a_poison_asset_fails_alone(kind, "https://example.com/a").await;
    }
}

async fn a_poison_asset_fails_alone(kind: Kind, url: &str) {
    let world = World::of(kind);
    world.vendors[0].poison(url);
    let of_poison = match kind {
        Kind::Free => FailureCode::WorkerCrashed,
        Kind::Paid | Kind::Paced | Kind::Chain | Kind::Job => FailureCode::VendorUnconfirmed,
    };
    let process = world.process(&Faults::none());
    let accepted = process.submit(Way::Queued).await;
    process.drain().await;
    let checked = world.check_poisoned(accepted, url, of_poison).await;
    checked.unwrap();
}

/// The same where the asset kills the worker before anything is paid for: also while its flow comes for the time that it
/// was handed, when it is not claimed yet.
#[tokio::test(start_paused = true)]
async fn an_asset_that_kills_workers_while_it_is_fetched_fails_alone() {
    for kind in [Kind::Paid, Kind::Paced] {
        let url = "https://example.com/b";
        let world = World::of(kind);
        world.host.poison(url);
        let process = world.process(&Faults::none());
        let accepted = process.submit(Way::Queued).await;
        process.drain().await;
        let of_poison = FailureCode::WorkerCrashed;
        let checked = world.check_poisoned(accepted, url, of_poison).await;
        checked.unwrap();
    }
}
