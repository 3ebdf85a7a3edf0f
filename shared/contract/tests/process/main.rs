//! What one attempt leaves behind, by what kept it from its output.
#![allow(clippy::unwrap_used, clippy::panic)]

mod alike;
mod held;
mod world;

use std::time::Duration;

use assetmill_core::usecases::{Outcome, Products, Waiting};
use assetmill_core::{Failure, FailureCode, FlowState, OperationError, Status};
use tokio::time::Instant;
use world::World;

const SOON: Duration = Duration::from_secs(20);

fn throttled_by(code: FailureCode, retry_after: Duration) -> OperationError {
    OperationError::Throttled {
        failure: Failure::transient(code, "asks for fewer requests"),
        retry_after: Some(retry_after),
    }
}

fn paced(retry_after: Duration) -> OperationError {
    OperationError::Paced {
        failure: Failure::transient(FailureCode::SourceThrottled, "not yet"),
        retry_after,
    }
}

fn unknown_name() -> OperationError {
    OperationError::Persistent(Failure::transient(
        FailureCode::SourceUnavailable,
        "no name",
    ))
}

#[tokio::test(start_paused = true)]
async fn what_can_not_get_better_soon_is_told_at_once_to_whoever_waits() {
    let world = World::new(|_| unknown_name()).await;
    let waiting = Waiting::CallerUntil(Instant::now() + SOON, Products::Stored);
    let step = world.process.attempt(world.id, waiting).await.unwrap();
    assert_eq!(step, Outcome::Settled { content: None });
    let flow = world.flow().await;
    assert_eq!((flow.state(), flow.attempts), (FlowState::Failed, 1));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_get_better_soon_is_tried_again_from_the_queue() {
    let world = World::new(|_| unknown_name()).await;
    // A caller who is gone is none who waits.
    for waiting in [
        Waiting::Nobody,
        Waiting::CallerUntil(Instant::now(), Products::Stored),
    ] {
        let step = world.process.attempt(world.id, waiting).await.unwrap();
        let Outcome::Wait { until, .. } = step else {
            panic!("{step:?}");
        };
        world.sleep_until(until).await;
    }
    let flow = world.flow().await;
    assert_eq!((flow.state(), flow.attempts), (FlowState::Pending, 2));
    assert_eq!(world.run_to_its_end().await.attempts, 5);
}

/// Sources are anybody's: one that asks for patience without an end is left after minutes.
#[tokio::test(start_paused = true)]
async fn a_source_that_throttles_is_given_up_after_a_quarter_of_an_hour() {
    let throttled = |_| throttled_by(FailureCode::SourceThrottled, Duration::from_mins(1));
    let world = World::new(throttled).await;
    // Waiting for its first attempt costs a flow nothing.
    tokio::time::sleep(Duration::from_hours(2)).await;
    let began = Instant::now();
    let flow = world.run_to_its_end().await;
    let Status::Failed { failure, .. } = flow.status else {
        panic!("{flow:?}");
    };
    assert_eq!(failure.code, FailureCode::GaveUpWaiting);
    assert!(failure.retryable);
    let message = failure.message;
    assert!(message.contains("longer than 15 min"), "{message}");
    assert!(message.contains("asks for fewer requests"), "{message}");
    let waited = began.elapsed().as_secs() / 60;
    assert!((13..=15).contains(&waited), "{waited} min");
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_throttles_is_waited_for_a_day() {
    let throttled = |_| throttled_by(FailureCode::VendorThrottled, Duration::from_hours(1));
    let world = World::new(throttled).await;
    let began = Instant::now();
    let flow = world.run_to_its_end().await;
    let Status::Failed { failure, .. } = flow.status else {
        panic!("{flow:?}");
    };
    assert_eq!(failure.code, FailureCode::GaveUpWaiting);
    assert!(failure.message.contains("longer than 24 h"), "{failure:?}");
    let waited = began.elapsed().as_secs() / 3600;
    assert!((22..=24).contains(&waited), "{waited} h");
}

/// Nine hours of our own making, then fourteen minutes of the source's: it is not given up.
#[tokio::test(start_paused = true)]
async fn waiting_for_a_turn_costs_neither_an_attempt_nor_patience() {
    let world = World::new(|attempt| match attempt {
        0..90 => paced(Duration::from_mins(6)),
        90..104 => throttled_by(FailureCode::SourceThrottled, Duration::from_secs(50)),
        _ => OperationError::permanent(FailureCode::SourceNotFound, "404"),
    })
    .await;
    let flow = world.run_to_its_end().await;
    let Status::Failed { failure, .. } = flow.status else {
        panic!("{flow:?}");
    };
    assert_eq!(failure.code, FailureCode::SourceNotFound, "{failure:?}");
    assert_eq!(flow.attempts, 1);
    assert_eq!(world.asked(), 105);
}

/// A source can't get a flow to stay by throttling and pacing in turns.
#[tokio::test(start_paused = true)]
async fn waiting_for_a_turn_does_not_renew_patience() {
    let world = World::new(|attempt| match attempt % 2 {
        0 => throttled_by(FailureCode::SourceThrottled, Duration::from_mins(1)),
        _ => paced(Duration::from_secs(10)),
    })
    .await;
    let flow = world.run_to_its_end().await;
    let Status::Failed { failure, .. } = flow.status else {
        panic!("{flow:?}");
    };
    assert_eq!(failure.code, FailureCode::GaveUpWaiting, "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_waits_for_its_turn_says_until_when_and_calls_it_no_failure() {
    let world = World::new(|_| paced(Duration::from_secs(7))).await;
    let step = world.process.attempt(world.id, Waiting::Nobody).await;
    let Outcome::Wait { until, .. } = step.unwrap() else {
        panic!("it does not wait");
    };
    let flow = world.flow().await;
    assert_eq!((flow.attempts, flow.started_at), (0, None));
    let expected = Status::Pending {
        not_before: Some(until),
        last_failure: None,
    };
    assert_eq!(flow.status, expected);
}
