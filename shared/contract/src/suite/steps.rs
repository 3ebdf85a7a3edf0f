//! What is kept of the steps of a flow while it goes on.

use std::sync::Arc;

use assetmill_core::ports::FlowChanges as _;
use assetmill_core::{
    CallEnd, CallReference, Claim, Deferral, Event, Fenced, Flow, Happened, NextTry, OpenJob,
    OperationName, Params, Progress, Report, Settlement, Sha256Digest, StepProduct, Wait, WorkKey,
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
    a_job_is_kept_until_its_end_is_known,
    a_call_that_is_made_again_keeps_its_reference,
    what_happened_is_kept_in_order,
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
    on.flows
        .begin_call(flow.id, flow.fence, Vec::new())
        .await
        .unwrap();
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
    on.flows
        .begin_call(flow.id, flow.fence, Vec::new())
        .await
        .unwrap();
    finish(&on, &flow, 1, CallEnd::NoCall).await;
    let flow = read(&*on.flows, flow.id).await;
    assert!(!flow.progress.open_call);
    assert_eq!(flow.unconfirmed_calls, 1);
}

fn job(state: &str) -> OpenJob {
    let operation: OperationName = "vendor".parse().unwrap();
    let digest = Sha256Digest::of(b"asset");
    OpenJob {
        step: digest.clone(),
        state: state.to_owned(),
        work: WorkKey::new(&tenant(), &operation, "1", &digest, &Params::default()),
        asset: None,
        until: at(3_600),
    }
}

fn waits_for_job() -> Deferral {
    Deferral {
        not_before: at(50),
        next_try: NextTry::Same,
        reason: Wait::VendorJob,
        last_failure: None,
    }
}

async fn a_job_is_kept_until_its_end_is_known(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    on.flows
        .begin_call(flow.id, flow.fence, Vec::new())
        .await
        .unwrap();
    let taken = Report::from(CallEnd::Taken(Box::new(job("1"))));
    let reported = on.flows.report(flow.id, flow.fence, taken).await.unwrap();
    assert_eq!(reported, Fenced::Done);
    assert_eq!(read(&*on.flows, flow.id).await.progress.job, Some(job("1")));
    let goes_on = CallEnd::Taken(Box::new(job("2")));
    let deferred = on
        .flows
        .defer(flow.id, flow.fence, waits_for_job(), goes_on, at(20));
    assert_eq!(deferred.await.unwrap(), Fenced::Done);
    let flow = claimed_at(&on, &flow, 60).await;
    assert_eq!(flow.progress.job, Some(job("2")));
    assert!(flow.progress.open_call, "the call has not ended");
    // An attempt that learns nothing leaves it as it is.
    let deferred = on.flows.defer(
        flow.id,
        flow.fence,
        waits_for_job(),
        CallEnd::NoCall,
        at(70),
    );
    deferred.await.unwrap();
    let flow = claimed_at(&on, &flow, 80).await;
    assert_eq!(flow.progress.job, Some(job("2")));
    finish(&on, &flow, 0, CallEnd::Confirmed).await;
    let flow = read(&*on.flows, flow.id).await;
    assert_eq!(flow.progress.job, None);
    assert_eq!((flow.attempts, flow.unconfirmed_calls), (1, 0));
}

async fn claimed_at(on: &Adapters, flow: &Flow, second: i64) -> Flow {
    let claim = on.flows.claim(flow.id, at(second), at(second + 90)).await;
    match claim.unwrap() {
        Claim::Claimed(flow) => flow,
        other => panic!("not claimed: {other:?}"),
    }
}

async fn a_call_that_is_made_again_keeps_its_reference(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let reference = CallReference::new(flow.id, flow.fence);
    on.flows
        .begin_call(flow.id, flow.fence, Vec::new())
        .await
        .unwrap();
    let deferred = on.flows.defer(
        flow.id,
        flow.fence,
        waits_for_job(),
        CallEnd::Unconfirmed,
        at(20),
    );
    deferred.await.unwrap();
    let flow = claimed_at(&on, &flow, 60).await;
    assert_eq!(flow.progress.reference, Some(reference.clone()));
    on.flows
        .begin_call(flow.id, flow.fence, Vec::new())
        .await
        .unwrap();
    let again = read(&*on.flows, flow.id).await;
    assert_eq!(again.progress.reference, Some(reference.clone()));
    // One that ended is another's business.
    let ended = Report::from(CallEnd::Confirmed);
    on.flows.report(flow.id, flow.fence, ended).await.unwrap();
    let next = read(&*on.flows, flow.id).await;
    assert_ne!(next.next_reference(), reference);
}

async fn what_happened_is_kept_in_order(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let event = |second, what| flow.event(at(second), what);
    let sent = vec![event(11, Happened::Fetched), event(12, Happened::Sent)];
    on.flows
        .begin_call(flow.id, flow.fence, sent)
        .await
        .unwrap();
    let report = Report {
        call: CallEnd::Taken(Box::new(job("1"))),
        events: vec![event(13, Happened::Taken)],
    };
    let deferral = waits_for_job();
    let (reason, until) = (deferral.reason, deferral.not_before);
    on.flows
        .defer(flow.id, flow.fence, deferral, report, at(20))
        .await
        .unwrap();
    let flow = claimed_at(&on, &flow, 60).await;
    let report = Report {
        call: CallEnd::Confirmed,
        events: vec![flow.event(at(61), Happened::Stored)],
    };
    let settlement = Settlement::Completed(output(b"made"));
    on.flows
        .settle(flow.id, flow.fence, settlement, report, at(62))
        .await
        .unwrap();
    let happened: Vec<(i64, Happened)> = read(&*on.flows, flow.id)
        .await
        .history
        .events()
        .iter()
        .map(|Event { at: then, what, .. }| (then.as_second() - at(0).as_second(), *what))
        .collect();
    assert_eq!(
        happened,
        [
            (10, Happened::Claimed),
            (11, Happened::Fetched),
            (12, Happened::Sent),
            (13, Happened::Taken),
            (20, Happened::Waits { reason, until }),
            (61, Happened::Stored),
            (62, Happened::Completed),
        ]
    );
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
