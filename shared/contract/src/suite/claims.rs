//! Claiming a flow, and what only the holder of the claim may do.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::pacing::{Gate, Limits, LineId, Place};
use assetmill_core::ports::{FlowChanges as _, FlowWrites};
use assetmill_core::{
    CallEnd, Claim, Deferral, Event, Failure, FailureCode, Fenced, Flow, FlowId, Happened, NextTry,
    Status, Wait,
};
use futures_util::future::join_all;

use super::flows::put;
use super::{Adapters, cases};
use crate::samples::{at, tenant};

cases! { "claims":
    a_pending_flow_is_claimed,
    of_many_claims_one_wins,
    a_leased_flow_is_not_claimed,
    an_ended_lease_is_taken_over,
    an_unknown_flow_is_not_claimed,
    a_deferred_flow_waits_until_it_is_due,
    a_free_deferral_gives_the_attempt_back,
    a_deferral_before_the_first_attempt_takes_its_beginning_back,
    a_deferral_needs_the_fence,
    a_call_is_unconfirmed_until_it_ends,
    a_call_needs_the_fence,
    who_comes_too_late_for_its_slot_has_a_higher_fence,
}

pub(super) async fn claimed(flows: &dyn FlowWrites, id: FlowId) -> Flow {
    match flows.claim(id, at(10), at(100)).await.unwrap() {
        Claim::Claimed(flow) => flow,
        other => panic!("not claimed: {other:?}"),
    }
}

pub(super) async fn read(flows: &dyn FlowWrites, id: FlowId) -> Flow {
    let mut rows = flows.flows(&tenant(), &[id]).await.unwrap();
    rows.remove(0).unwrap()
}

fn deferral(next_try: NextTry) -> Deferral {
    Deferral {
        not_before: at(50),
        next_try,
        reason: Wait::Retry(FailureCode::SourceTimeout),
        last_failure: Some(Failure::transient(FailureCode::SourceTimeout, "late")),
    }
}

async fn a_pending_flow_is_claimed(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let expected = Flow {
        status: Status::Running {
            lease_until: at(100),
            abandoned: 0,
        },
        revision: rows[0].revision + 1,
        attempts: 1,
        fence: 1,
        started_at: Some(at(10)),
        history: [Event {
            at: at(10),
            what: Happened::Claimed,
            step: 0,
            attempt: 1,
        }]
        .into_iter()
        .collect(),
        ..rows[0].clone()
    };
    assert_eq!(flow, expected);
    assert_eq!(read(&*on.flows, flow.id).await, expected);
}

async fn of_many_claims_one_wins(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let claims = (0..16).map(|_| {
        let flows = on.flows.clone();
        let id = rows[0].id;
        tokio::spawn(async move { flows.claim(id, at(10), at(100)).await.unwrap() })
    });
    let claims = join_all(claims).await;
    let won = claims
        .iter()
        .filter(|claim| matches!(claim, Ok(Claim::Claimed(_))))
        .count();
    assert_eq!(won, 1);
}

async fn a_leased_flow_is_not_claimed(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    claimed(&*on.flows, rows[0].id).await;
    let again = on.flows.claim(rows[0].id, at(99), at(200)).await.unwrap();
    assert_eq!(again, Claim::Leased { until: at(100) });
}

async fn an_ended_lease_is_taken_over(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let first = claimed(&*on.flows, rows[0].id).await;
    let Claim::Claimed(second) = on.flows.claim(first.id, at(100), at(200)).await.unwrap() else {
        panic!("the lease ended");
    };
    assert_eq!((second.attempts, second.fence), (2, 2));
    assert_eq!(second.started_at, Some(at(10)));
    let status = |lease_until, abandoned| Status::Running {
        lease_until,
        abandoned,
    };
    assert_eq!(second.status, status(at(200), 1));
    on.flows.claim(first.id, at(200), at(300)).await.unwrap();
    assert_eq!(read(&*on.flows, first.id).await.status, status(at(300), 2));
    // A word from the worker, and nothing was abandoned.
    let deferral = deferral(NextTry::Another);
    let deferred = on
        .flows
        .defer(first.id, 3, deferral, CallEnd::NoCall, at(30));
    deferred.await.unwrap();
    on.flows.claim(first.id, at(300), at(400)).await.unwrap();
    assert_eq!(read(&*on.flows, first.id).await.status, status(at(400), 0));
}

async fn an_unknown_flow_is_not_claimed(on: Arc<Adapters>) {
    let claim = on.flows.claim(FlowId::generate(), at(0), at(1)).await;
    assert_eq!(claim.unwrap(), Claim::Unknown);
}

async fn a_deferred_flow_waits_until_it_is_due(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let deferral = deferral(NextTry::Another);
    let deferred = on
        .flows
        .defer(
            flow.id,
            flow.fence,
            deferral.clone(),
            CallEnd::NoCall,
            at(30),
        )
        .await;
    assert_eq!(deferred.unwrap(), Fenced::Done);
    let row = read(&*on.flows, flow.id).await;
    assert_eq!(row.attempts, 1);
    assert_eq!(
        row.status,
        Status::Pending {
            not_before: Some(at(50)),
            last_failure: deferral.last_failure,
        }
    );
    let early = on.flows.claim(flow.id, at(49), at(99)).await.unwrap();
    assert_eq!(early, Claim::TooEarly { until: at(50) });
    let due = on.flows.claim(flow.id, at(50), at(99)).await.unwrap();
    assert!(matches!(due, Claim::Claimed(flow) if flow.attempts == 2));
}

async fn a_free_deferral_gives_the_attempt_back(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    on.flows
        .defer(
            flow.id,
            flow.fence,
            deferral(NextTry::Same),
            CallEnd::NoCall,
            at(30),
        )
        .await
        .unwrap();
    assert_eq!(read(&*on.flows, flow.id).await.attempts, 0);
}

async fn a_deferral_before_the_first_attempt_takes_its_beginning_back(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    assert!(flow.started_at.is_some());
    let deferral = Deferral {
        last_failure: None,
        ..deferral(NextTry::First)
    };
    on.flows
        .defer(flow.id, flow.fence, deferral, CallEnd::NoCall, at(30))
        .await
        .unwrap();
    let row = read(&*on.flows, flow.id).await;
    assert_eq!((row.attempts, row.started_at), (0, None));
    let claim = on.flows.claim(flow.id, at(60), at(99)).await.unwrap();
    let Claim::Claimed(flow) = claim else {
        panic!("not claimed: {claim:?}");
    };
    assert_eq!((flow.attempts, flow.started_at), (1, Some(at(60))));
}

async fn a_deferral_needs_the_fence(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let first = claimed(&*on.flows, rows[0].id).await;
    on.flows.claim(first.id, at(100), at(200)).await.unwrap();
    let before = read(&*on.flows, first.id).await;
    for (id, fence) in [(first.id, first.fence), (FlowId::generate(), 1)] {
        let late = on
            .flows
            .defer(id, fence, deferral(NextTry::Same), CallEnd::NoCall, at(30))
            .await;
        assert_eq!(late.unwrap(), Fenced::Lost);
    }
    assert_eq!(read(&*on.flows, first.id).await, before);
}

async fn a_call_is_unconfirmed_until_it_ends(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    for (end, expected) in [(CallEnd::Confirmed, 0), (CallEnd::Unconfirmed, 1)] {
        let claim = on.flows.claim(flow.id, at(150), at(200)).await.unwrap();
        let Claim::Claimed(flow) = claim else {
            panic!("not claimed: {claim:?}");
        };
        let begun = on
            .flows
            .begin_call(flow.id, flow.fence, Vec::new())
            .await
            .unwrap();
        assert_eq!(begun, Fenced::Done);
        assert_eq!(read(&*on.flows, flow.id).await.unconfirmed_calls, 1);
        on.flows
            .defer(flow.id, flow.fence, deferral(NextTry::Another), end, at(30))
            .await
            .unwrap();
        assert_eq!(read(&*on.flows, flow.id).await.unconfirmed_calls, expected);
    }
}

async fn a_call_needs_the_fence(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let begun = on
        .flows
        .begin_call(flow.id, flow.fence + 1, Vec::new())
        .await
        .unwrap();
    assert_eq!(begun, Fenced::Lost);
    assert_eq!(read(&*on.flows, flow.id).await.unconfirmed_calls, 0);
}

async fn who_comes_too_late_for_its_slot_has_a_higher_fence(on: Arc<Adapters>) {
    let (_, mut rows) = put(&*on.flows, 1).await;
    let mut flow = rows.remove(0);
    let limits: Limits = "rate=60/min".parse().unwrap();
    let asks = [LineId::of(&flow.tenant); 2];
    let slots = Gate::default().take(&limits.rate.unwrap(), &asks, Duration::ZERO, at(20));
    let mut before = None;
    // Handed a slot; there before it; there after it.
    for (slot, fence) in [(slots[0], 0), (slots[0], 0), (slots[1], 1)] {
        let place = Place {
            reason: Wait::Rate,
            until: at(20),
            slot,
        };
        let stands = move |row: &mut Flow| row.stand_in_line(before, &place, at(10));
        let stands = on.flows.change_held(&mut flow, stands).await.unwrap();
        assert_eq!(stands, Some(true));
        let row = read(&*on.flows, flow.id).await;
        assert_eq!((row.fence, row.attempts), (fence, 0));
        before = slot;
    }
}
