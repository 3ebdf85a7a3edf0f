//! Changes that begin from a guess of the row: a right one spares a read, a wrong one does no harm.

use std::sync::Arc;

use assetmill_core::ports::FlowChanges as _;
use assetmill_core::{
    CallEnd, Cancellation, Claim, Deferral, Failure, FailureCode, Fenced, Flow, FlowId, NextTry,
    Settlement, Status, StepProduct, Wait,
};
use futures_util::future::join_all;

use super::claims::{claimed, read};
use super::flows::put;
use super::{Adapters, cases};
use crate::samples::{at, batch, output, tenant};

cases! { "guesses":
    a_right_guess_is_changed_as_its_row_is,
    each_change_is_one_revision_higher,
    what_changes_nothing_has_no_revision_of_its_own,
    an_older_row_is_a_wrong_guess,
    a_newer_settled_row_is_found_from_an_older_guess,
    a_guess_that_is_settled_is_not_believed,
    a_guess_that_leaves_nothing_to_change_is_not_believed,
    of_many_claims_from_one_guess_one_wins,
    a_guess_of_a_flow_that_is_gone_is_none,
    a_guess_without_a_revision_is_none,
    a_row_without_a_revision_is_changed,
    what_is_held_follows_its_row,
}

fn completed(content: &[u8]) -> Settlement {
    Settlement::Completed(output(content))
}

fn deferral() -> Deferral {
    Deferral {
        not_before: at(50),
        next_try: NextTry::Another,
        reason: Wait::Worker,
        last_failure: Some(Failure::transient(FailureCode::SourceTimeout, "late")),
    }
}

/// As its worker knows it.
async fn claimed_from(on: &Adapters, guess: &Flow) -> Flow {
    match on.flows.claim(guess, at(10), at(100)).await.unwrap() {
        Claim::Claimed(flow) => flow,
        other => panic!("not claimed: {other:?}"),
    }
}

async fn a_right_guess_is_changed_as_its_row_is(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let mut flow = claimed_from(&on, &rows[0]).await;
    assert_eq!(read(&*on.flows, flow.id).await, flow);
    let fence = flow.fence;
    let begun = on
        .flows
        .change_held(&mut flow, move |flow| flow.begin_call(fence, &[]));
    assert_eq!(begun.await.unwrap(), Some(Fenced::Done));
    assert_eq!(read(&*on.flows, flow.id).await, flow);
    let made = StepProduct {
        step: assetmill_core::Sha256Digest::of(b"step"),
        output: output(b"step"),
    };
    let finished = on.flows.change_held(&mut flow, move |flow| {
        flow.finish_step(fence, 0, made.clone(), CallEnd::Confirmed.into())
    });
    assert_eq!(finished.await.unwrap(), Some(Fenced::Done));
    let kept = read(&*on.flows, flow.id).await;
    assert_eq!((kept.progress.products.len(), &kept), (1, &flow));
    let deferred = on
        .flows
        .defer(&flow, fence, deferral(), CallEnd::NoCall, at(30))
        .await;
    assert_eq!(deferred.unwrap(), Fenced::Done);
    let rests = read(&*on.flows, flow.id).await;
    assert!(on.flows.rest(&rests, at(60)).await.unwrap());
    let due = on.flows.due(at(1_000), 10).await.unwrap();
    assert_eq!(due, [read(&*on.flows, flow.id).await]);
    let Claim::Claimed(flow) = on.flows.claim(&due[0], at(70), at(100)).await.unwrap() else {
        panic!("not claimed");
    };
    assert_eq!(on.flows.due(at(1_000), 10).await.unwrap(), []);
    assert_eq!(flow.progress, kept.progress);
    let settled = on
        .flows
        .settle(
            &flow,
            flow.fence,
            completed(b"made"),
            CallEnd::NoCall,
            at(80),
        )
        .await;
    assert_eq!(settled.unwrap(), Fenced::Done);
    let expected = Status::Completed {
        output: output(b"made"),
        settled_at: at(80),
    };
    let row = read(&*on.flows, flow.id).await;
    assert_eq!(row.status, expected);
    assert!(row.progress.is_none(), "{row:?}");
}

async fn each_change_is_one_revision_higher(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let id = rows[0].id;
    assert_eq!(read(&*on.flows, id).await.revision, 1);
    // What is answered is of the row as it is then.
    assert_eq!(claimed(&*on.flows, id).await.revision, 2);
    on.flows.begin_call(id, 1, Vec::new()).await.unwrap();
    assert_eq!(read(&*on.flows, id).await.revision, 3);
    on.flows.rest(id, at(60)).await.unwrap();
    on.flows.wake(id, at(60)).await.unwrap();
    assert_eq!(read(&*on.flows, id).await.revision, 5);
}

async fn what_changes_nothing_has_no_revision_of_its_own(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    for guess in [&rows[0], &flow] {
        let again = on.flows.claim(guess, at(20), at(200)).await.unwrap();
        assert_eq!(again, Claim::Leased { until: at(100) });
        on.flows.wake(guess, at(60)).await.unwrap();
    }
    let unchanged = on.flows.cancel(&tenant(), flow.id, at(20)).await.unwrap();
    assert_eq!(unchanged, Cancellation::Unchanged(flow.clone()));
    assert_eq!(read(&*on.flows, flow.id).await, flow);
}

async fn an_older_row_is_a_wrong_guess(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let first = claimed(&*on.flows, rows[0].id).await;
    // Still pending, by the guess.
    let late = on.flows.claim(&rows[0], at(99), at(200)).await.unwrap();
    assert_eq!(late, Claim::Leased { until: at(100) });
    let second = on.flows.claim(&rows[0], at(100), at(200)).await.unwrap();
    let Claim::Claimed(second) = second else {
        panic!("the lease ended: {second:?}");
    };
    assert_eq!((second.attempts, second.fence), (2, 2));
    // Still its own, by the guess.
    let settled = on.flows.settle(
        &first,
        first.fence,
        completed(b"late"),
        CallEnd::NoCall,
        at(101),
    );
    assert_eq!(settled.await.unwrap(), Fenced::Lost);
    let cancelled = on.flows.cancel(&tenant(), &rows[0], at(101)).await.unwrap();
    assert_eq!(cancelled, Cancellation::Unchanged(second.clone()));
    assert_eq!(read(&*on.flows, second.id).await, second);
}

async fn a_newer_settled_row_is_found_from_an_older_guess(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let held = claimed(&*on.flows, rows[0].id).await;
    on.flows
        .settle(
            held.id,
            held.fence,
            completed(b"made"),
            CallEnd::NoCall,
            at(20),
        )
        .await
        .unwrap();
    let settled = read(&*on.flows, held.id).await;
    for guess in [&rows[0], &held] {
        let claim = on.flows.claim(guess, at(500), at(600)).await.unwrap();
        assert_eq!(claim, Claim::Settled(settled.clone()));
        let late = on.flows.settle(
            guess,
            held.fence,
            completed(b"late"),
            CallEnd::NoCall,
            at(30),
        );
        assert_eq!(late.await.unwrap(), Fenced::Lost);
        let cancelled = on.flows.cancel(&tenant(), guess, at(30)).await.unwrap();
        assert_eq!(cancelled, Cancellation::Unchanged(settled.clone()));
        assert!(!on.flows.rest(guess, at(60)).await.unwrap());
        let buried = Failure::worker_crashed();
        let buried = on
            .flows
            .fail_dead_letter(guess, buried, at(30))
            .await
            .unwrap();
        assert_eq!(buried, Some(settled.clone()));
    }
    assert_eq!(read(&*on.flows, held.id).await, settled);
}

/// Nobody makes such a guess; nobody would notice one that is believed.
async fn a_guess_that_is_settled_is_not_believed(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let guess = Flow {
        revision: 9,
        status: Status::Cancelled { settled_at: at(5) },
        ..rows[0].clone()
    };
    let claim = on.flows.claim(&guess, at(10), at(100)).await.unwrap();
    let Claim::Claimed(flow) = claim else {
        panic!("not claimed: {claim:?}");
    };
    assert_eq!((flow.fence, flow.revision), (1, 2));
}

async fn a_guess_that_leaves_nothing_to_change_is_not_believed(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let held = claimed(&*on.flows, rows[0].id).await;
    on.flows
        .defer(held.id, held.fence, deferral(), CallEnd::NoCall, at(30))
        .await
        .unwrap();
    // Leased, by the guess.
    let claim = on.flows.claim(&held, at(60), at(160)).await.unwrap();
    assert!(
        matches!(&claim, Claim::Claimed(flow) if flow.fence == 2),
        "{claim:?}"
    );
    // Not running, by the guess.
    let begun = on.flows.begin_call(&rows[0], 2, Vec::new()).await.unwrap();
    assert_eq!(begun, Fenced::Done);
    assert_eq!(read(&*on.flows, held.id).await.unconfirmed_calls, 1);
}

async fn of_many_claims_from_one_guess_one_wins(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let claims = (0..16).map(|_| {
        let (flows, guess) = (on.flows.clone(), rows[0].clone());
        tokio::spawn(async move { flows.claim(&guess, at(10), at(100)).await.unwrap() })
    });
    let claims = join_all(claims).await;
    let won = claims
        .iter()
        .filter(|claim| matches!(claim, Ok(Claim::Claimed(_))))
        .count();
    assert_eq!(won, 1);
    let row = read(&*on.flows, rows[0].id).await;
    assert_eq!((row.fence, row.revision), (1, 2));
}

async fn a_guess_of_a_flow_that_is_gone_is_none(on: Arc<Adapters>) {
    let (_, gone) = batch(1);
    let mut gone = gone.into_iter().next().unwrap();
    let claim = on.flows.claim(&gone, at(10), at(100)).await.unwrap();
    assert_eq!(claim, Claim::Unknown);
    let cancelled = on.flows.cancel(&tenant(), &gone, at(10)).await.unwrap();
    assert_eq!(cancelled, Cancellation::Unknown);
    let buried = on
        .flows
        .fail_dead_letter(&gone, Failure::worker_crashed(), at(10));
    assert_eq!(buried.await.unwrap(), None);
    let held = on.flows.change_held(&mut gone, |flow| flow.rest(at(60)));
    assert_eq!(held.await.unwrap(), None);
    assert_eq!(gone.due_at, None);
    let read = on.flows.flows(&tenant(), &[gone.id]).await.unwrap();
    assert_eq!(read, [None]);
    // Nor is one made of it by a rule that would change nothing.
    on.flows.wake(&gone, at(60)).await.unwrap();
    let unknown = on.flows.claim(FlowId::generate(), at(0), at(1)).await;
    assert_eq!(unknown.unwrap(), Claim::Unknown);
}

async fn a_guess_without_a_revision_is_none(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let guess = Flow {
        revision: 0,
        fence: 7,
        ..rows[0].clone()
    };
    let claim = on.flows.claim(&guess, at(10), at(100)).await.unwrap();
    let Claim::Claimed(flow) = claim else {
        panic!("not claimed: {claim:?}");
    };
    assert_eq!(flow.fence, 1);
}

/// As a version wrote it that counted none.
async fn a_row_without_a_revision_is_changed(on: Arc<Adapters>) {
    let (_, mut rows) = batch(1);
    rows[0].revision = 0;
    on.flows.put_flows(&rows).await.unwrap();
    let flow = claimed(&*on.flows, rows[0].id).await;
    assert_eq!((flow.fence, flow.revision), (1, 0));
    let guess = Flow {
        revision: 1,
        ..rows[0].clone()
    };
    let again = on.flows.claim(&guess, at(20), at(200)).await.unwrap();
    assert_eq!(again, Claim::Leased { until: at(100) });
    let settled = on.flows.settle(
        &flow,
        flow.fence,
        completed(b"made"),
        CallEnd::NoCall,
        at(30),
    );
    assert_eq!(settled.await.unwrap(), Fenced::Done);
    assert!(read(&*on.flows, flow.id).await.state().is_settled());
}

async fn what_is_held_follows_its_row(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let mut held = claimed(&*on.flows, rows[0].id).await;
    // Behind its back.
    on.flows.rest(held.id, at(60)).await.unwrap();
    let fence = held.fence;
    let begun = on
        .flows
        .change_held(&mut held, move |flow| flow.begin_call(fence, &[]));
    assert_eq!(begun.await.unwrap(), Some(Fenced::Done));
    assert_eq!((held.due_at, held.unconfirmed_calls), (Some(at(60)), 1));
    assert_eq!(read(&*on.flows, held.id).await, held);
    let lost = on
        .flows
        .change_held(&mut held, move |flow| flow.begin_call(fence + 1, &[]));
    assert_eq!(lost.await.unwrap(), Some(Fenced::Lost));
    assert_eq!(read(&*on.flows, held.id).await, held);
}
