//! What is kept of the steps of a flow while it goes on.

use std::sync::Arc;

use assetmill_core::ports::FlowChanges as _;
use assetmill_core::{
    CallEnd, Claim, Fenced, Flow, Progress, Settlement, Sha256Digest, StepProduct,
};

use super::claims::{claimed, read};
use super::flows::put;
use super::{Adapters, cases};
use crate::samples::{at, output, tenant};

cases! { "steps":
    what_a_step_made_is_kept,
    attempts_are_counted_anew_for_each_step,
    a_step_that_is_made_again_takes_the_place_of_what_came_after,
    finishing_a_step_needs_the_fence,
    a_call_stays_open_until_its_end_is_noted,
    a_settled_flow_keeps_no_progress,
}

fn product(number: u8) -> StepProduct {
    StepProduct {
        step: Sha256Digest::of(&[number]),
        output: output(&[number]),
    }
}

async fn finish(on: &Adapters, flow: &Flow, done: usize, call: CallEnd) -> Fenced {
    let made = product(u8::try_from(done).unwrap());
    let finished = on
        .flows
        .finish_step(flow.id, flow.fence, done, made, call)
        .await;
    finished.unwrap()
}

async fn what_a_step_made_is_kept(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    for done in 0..2 {
        let finished = finish(&on, &flow, done, CallEnd::NoCall).await;
        assert_eq!(finished, Fenced::Done);
    }
    let kept = read(&*on.flows, flow.id).await;
    assert_eq!(kept.status, flow.status);
    assert_eq!(kept.progress.products, [product(0), product(1)]);
    // Whoever comes after it finds it there.
    let claim = on.flows.claim(flow.id, at(200), at(300)).await.unwrap();
    let Claim::Claimed(next) = claim else {
        panic!("not claimed: {claim:?}");
    };
    assert_eq!(next.progress, kept.progress);
}

async fn attempts_are_counted_anew_for_each_step(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    claimed(&*on.flows, rows[0].id).await;
    let claim = on.flows.claim(rows[0].id, at(200), at(300)).await.unwrap();
    let Claim::Claimed(flow) = claim else {
        panic!("not claimed: {claim:?}");
    };
    assert_eq!((flow.attempts, flow.step_attempts()), (2, 2));
    finish(&on, &flow, 0, CallEnd::NoCall).await;
    let flow = read(&*on.flows, flow.id).await;
    assert_eq!((flow.attempts, flow.step_attempts()), (2, 1));
}

async fn a_step_that_is_made_again_takes_the_place_of_what_came_after(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    for done in [0, 1, 2, 1] {
        finish(&on, &flow, done, CallEnd::NoCall).await;
    }
    let kept = read(&*on.flows, flow.id).await;
    assert_eq!(kept.progress.products, [product(0), product(1)]);
}

async fn finishing_a_step_needs_the_fence(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let late = Flow {
        fence: flow.fence - 1,
        ..flow.clone()
    };
    assert_eq!(finish(&on, &late, 0, CallEnd::NoCall).await, Fenced::Lost);
    assert_eq!(read(&*on.flows, flow.id).await, flow);
}

async fn a_call_stays_open_until_its_end_is_noted(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    on.flows.begin_call(flow.id, flow.fence).await.unwrap();
    // Its worker died: the next one is told.
    let claim = on.flows.claim(flow.id, at(200), at(300)).await.unwrap();
    let Claim::Claimed(flow) = claim else {
        panic!("not claimed: {claim:?}");
    };
    assert!(flow.progress.open_call);
    finish(&on, &flow, 0, CallEnd::Confirmed).await;
    let flow = read(&*on.flows, flow.id).await;
    assert!(!flow.progress.open_call);
    assert_eq!(flow.unconfirmed_calls, 0);
    // What another attempt made is found without a call: the next step has none that is open.
    on.flows.begin_call(flow.id, flow.fence).await.unwrap();
    finish(&on, &flow, 1, CallEnd::NoCall).await;
    let flow = read(&*on.flows, flow.id).await;
    assert!(!flow.progress.open_call);
    assert_eq!(flow.unconfirmed_calls, 1);
}

async fn a_settled_flow_keeps_no_progress(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    finish(&on, &flow, 0, CallEnd::NoCall).await;
    let settlement = Settlement::Completed(output(b"made"));
    on.flows
        .settle(flow.id, flow.fence, settlement, CallEnd::NoCall, at(20))
        .await
        .unwrap();
    let rows = on.flows.flows(&tenant(), &[flow.id]).await.unwrap();
    let progress = rows[0].as_ref().map(|flow| &flow.progress);
    assert_eq!(progress, Some(&Progress::default()));
}
