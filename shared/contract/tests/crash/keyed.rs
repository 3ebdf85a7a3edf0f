//! A submission that breaks off at any point, and is sent again under its key, begins one batch.

use assetmill_contract::faults::{Fault, Faults};
use assetmill_core::{BatchId, FlowState};

use crate::world::{Kind, Way, World};

/// When a caller sends again what broke off.
#[derive(Debug, Clone, Copy)]
enum Again {
    /// At once, and twice.
    AtOnce,
    /// After all is done that is done by itself.
    Late,
}

/// Submits in a process with a fault, and again in another with one, if there is a call of it to spoil; then in one without,
/// where all is done. How many calls the first two made.
async fn begins_once(
    (way, kind, again): (Way, Kind, Again),
    fault: Fault,
    (first, second): (usize, usize),
) -> (usize, usize) {
    let world = World::of(kind);
    let mut told = Vec::new();
    let mut calls = Vec::new();
    for at in [first, second] {
        if at == 0 {
            calls.push(0);
            continue;
        }
        let faults = Faults::at(at, fault);
        let process = world.process(&faults);
        let submitted = faults.run(process.submit_with_key(way)).await;
        told.extend(submitted.flatten().map(|(id, _)| id));
        calls.push(faults.calls());
    }
    let process = world.process(&Faults::none());
    if let Again::Late = again {
        process.drain().await;
    }
    let (one, other) = tokio::join!(process.submit_with_key(way), process.submit_with_key(way));
    process.drain().await;
    let last = process.submit_with_key(way).await;
    process.drain().await;
    let answers = [one, other, last].map(|answer| answer.unwrap().0);
    told.extend(answers);
    let case = format!("{way:?}, {kind:?}, {again:?}, {fault:?} at calls {first} and {second}");
    assert!(told.iter().all(|id| *id == told[0]), "{case}: {told:?}");
    let worker_failed = matches!(way, Way::Answered);
    check(&world, told[0], way, worker_failed)
        .await
        .unwrap_or_else(|broken| panic!("{case}: {broken}"));
    (calls[0], calls[1])
}

async fn check(world: &World, id: BatchId, way: Way, worker_failed: bool) -> Result<(), String> {
    world.check(Some(id), way).await?;
    world.check_once(id, worker_failed)
}

/// Spoils every call of the first submission.
async fn begins_once_at_every_point(way: Way, kind: Kind, least: usize) {
    for fault in Fault::ALL {
        for again in [Again::AtOnce, Again::Late] {
            let mut call = 1;
            while begins_once((way, kind, again), fault, (call, 0)).await.0 >= call {
                call += 1;
            }
            // A submission can't do with fewer; if it seems to, the points were not reached.
            assert!(call > least, "{kind:?}: {call} points");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_breaks_off_and_is_sent_again_begins_one_batch() {
    begins_once_at_every_point(Way::Queued, Kind::Paid, 6).await;
}

#[tokio::test(start_paused = true)]
async fn what_breaks_off_while_its_caller_waits_begins_one_batch() {
    for (kind, least) in [(Kind::Free, 40), (Kind::Paid, 40), (Kind::Job, 30)] {
        begins_once_at_every_point(Way::Answered, kind, least).await;
    }
}

/// What is sent again breaks off too, at every point of its own.
#[tokio::test(start_paused = true)]
async fn what_breaks_off_twice_begins_one_batch() {
    let case = (Way::Queued, Kind::Paid, Again::AtOnce);
    for first in 1.. {
        let mut second = 1;
        loop {
            let (in_first, in_second) = begins_once(case, Fault::StopAfter, (first, second)).await;
            if in_first < first {
                return;
            }
            if in_second < second {
                break;
            }
            second += 1;
        }
    }
}

/// Nothing breaks off; many ask for the same at once, and all are told how it went.
#[tokio::test(start_paused = true)]
async fn who_asks_for_the_same_at_once_waits_for_the_same() {
    for kind in [Kind::Free, Kind::Paid] {
        let world = World::of(kind);
        let process = world.process(&Faults::none());
        let ask = || process.submit_with_key(Way::Answered);
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        let answers = [one, two, three].map(Option::unwrap);
        for (id, flows) in &answers {
            assert_eq!(*id, answers[0].0);
            let states = |flows: &[assetmill_core::Flow]| -> Vec<FlowState> {
                flows.iter().map(assetmill_core::Flow::state).collect()
            };
            assert_eq!(states(flows), states(&answers[0].1), "{kind:?}");
            assert_eq!(flows[0].state(), FlowState::Completed);
        }
        process.drain().await;
        let id = answers[0].0;
        check(&world, id, Way::Answered, false).await.unwrap();
    }
}
