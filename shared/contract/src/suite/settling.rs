//! How flows end, and how their batch learns of it.

use std::sync::Arc;

use assetmill_core::ports::{FlowChanges as _, SettledCount};
use assetmill_core::{
    BatchId, CallEnd, Cancellation, Claim, Counts, Deferral, Failure, FailureCode, Fenced, FlowId,
    FlowState, MAX_BATCH, NextTry, Settlement, Status, Wait,
};
use futures_util::future::join_all;

use super::claims::{claimed, read};
use super::flows::put;
use super::{Adapters, cases};
use crate::samples::{at, batch, ended, output, tenant};

cases! { "settling":
    a_flow_completes,
    a_flow_fails,
    a_settled_flow_stays_so,
    settling_needs_the_fence,
    a_dead_letter_settles_whoever_holds_the_flow,
    a_dead_letter_leaves_a_settled_flow,
    a_pending_flow_is_cancelled,
    a_running_flow_is_not_cancelled,
    many_flows_are_cancelled_at_once,
    a_list_is_told_how_far_a_batch_is,
    a_tally_is_idempotent_and_stays_complete,
    of_many_tallies_the_last_completes,
    many_flows_are_tallied_at_once,
    a_complete_batch_knows_how_its_flows_ended,
    nothing_leaves_a_settled_state,
}

async fn a_flow_completes(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    on.flows
        .begin_call(flow.id, flow.fence, Vec::new())
        .await
        .unwrap();
    let settlement = Settlement::Completed(output(b"made"));
    let settled = on
        .flows
        .settle(flow.id, flow.fence, settlement, CallEnd::Confirmed, at(20))
        .await;
    assert_eq!(settled.unwrap(), Fenced::Done);
    let row = read(&*on.flows, flow.id).await;
    assert_eq!(row.unconfirmed_calls, 0);
    assert_eq!(
        row.status,
        Status::Completed {
            output: output(b"made"),
            settled_at: at(20)
        }
    );
}

async fn a_flow_fails(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let failure = Failure::permanent(FailureCode::CorruptAsset, "broken „ü“ \u{1F5BC}");
    let settlement = Settlement::Failed(failure.clone());
    on.flows
        .settle(flow.id, flow.fence, settlement, CallEnd::NoCall, at(20))
        .await
        .unwrap();
    assert_eq!(
        read(&*on.flows, flow.id).await.status,
        Status::Failed {
            failure,
            settled_at: at(20)
        }
    );
}

async fn a_settled_flow_stays_so(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let settle = async |content: &[u8]| {
        let settlement = Settlement::Completed(output(content));
        on.flows
            .settle(flow.id, flow.fence, settlement, CallEnd::NoCall, at(20))
            .await
            .unwrap()
    };
    assert_eq!(settle(b"first").await, Fenced::Done);
    let row = read(&*on.flows, flow.id).await;
    assert_eq!(settle(b"second").await, Fenced::Lost);
    let claim = on.flows.claim(flow.id, at(500), at(600)).await.unwrap();
    assert_eq!(claim, Claim::Settled(row.clone()));
    let cancelled = on.flows.cancel(&tenant(), flow.id, at(30)).await.unwrap();
    assert_eq!(cancelled, Cancellation::Unchanged(row.clone()));
    assert_eq!(read(&*on.flows, flow.id).await, row);
}

async fn settling_needs_the_fence(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let first = claimed(&*on.flows, rows[0].id).await;
    on.flows.claim(first.id, at(100), at(200)).await.unwrap();
    for (id, fence) in [(first.id, first.fence), (FlowId::generate(), 1)] {
        let settlement = Settlement::Completed(output(b"late"));
        let late = on
            .flows
            .settle(id, fence, settlement, CallEnd::NoCall, at(101))
            .await;
        assert_eq!(late.unwrap(), Fenced::Lost);
    }
    assert_eq!(read(&*on.flows, first.id).await.state(), FlowState::Running);
}

async fn a_dead_letter_settles_whoever_holds_the_flow(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 2).await;
    claimed(&*on.flows, rows[0].id).await;
    for row in &rows {
        let failure = Failure::transient(FailureCode::WorkerCrashed, "crash");
        let buried = on
            .flows
            .fail_dead_letter(row.id, failure, at(20))
            .await
            .unwrap();
        assert_eq!(buried.unwrap().state(), FlowState::Failed);
        assert_eq!(read(&*on.flows, row.id).await.state(), FlowState::Failed);
    }
}

async fn a_dead_letter_leaves_a_settled_flow(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    on.flows.cancel(&tenant(), rows[0].id, at(5)).await.unwrap();
    let failure = Failure::transient(FailureCode::WorkerCrashed, "crash");
    let buried = on
        .flows
        .fail_dead_letter(rows[0].id, failure.clone(), at(20))
        .await
        .unwrap();
    assert_eq!(buried.unwrap().state(), FlowState::Cancelled);
    let unknown = on
        .flows
        .fail_dead_letter(FlowId::generate(), failure, at(20))
        .await;
    assert_eq!(unknown.unwrap(), None);
}

async fn a_pending_flow_is_cancelled(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let other = "other".parse().unwrap();
    let stranger = on.flows.cancel(&other, rows[0].id, at(5)).await.unwrap();
    assert_eq!(stranger, Cancellation::Unknown);
    let cancelled = on.flows.cancel(&tenant(), rows[0].id, at(5)).await.unwrap();
    let row = read(&*on.flows, rows[0].id).await;
    assert_eq!(row.status, Status::Cancelled { settled_at: at(5) });
    assert_eq!(cancelled, Cancellation::Cancelled(row));
}

async fn a_running_flow_is_not_cancelled(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let cancelled = on.flows.cancel(&tenant(), flow.id, at(20)).await.unwrap();
    assert_eq!(cancelled, Cancellation::Unchanged(flow.clone()));
    assert_eq!(read(&*on.flows, flow.id).await, flow);
}

/// However large the batch is, and while its flows move.
async fn a_list_is_told_how_far_a_batch_is(on: Arc<Adapters>) {
    let size = 3_000;
    let (batch, flows) = put(&*on.flows, size).await;
    let read = async || {
        let row = on.flows.batch(&batch.tenant, batch.id).await.unwrap();
        on.flows.progress(&row.unwrap()).await.unwrap()
    };
    assert_eq!(
        read().await,
        Counts {
            pending: size,
            ..Counts::default()
        }
    );
    claimed(&*on.flows, flows[2_999].id).await;
    let counted = on.flows.count_settled(batch.id, &ended(0..2_990)).await;
    assert_eq!(counted.unwrap(), SettledCount::Open);
    let some = read().await;
    assert_eq!(some.total(), size);
    // Stores count in parts.
    assert!((1_000..=2_990).contains(&some.settled()), "{some:?}");
    assert!(some.completed.abs_diff(some.failed) <= 1, "{some:?}");
    on.flows
        .count_settled(batch.id, &ended(2_990..size))
        .await
        .unwrap();
    let all = read().await;
    assert_eq!(all.settled(), size);
    let (small, flows) = put(&*on.flows, 10).await;
    claimed(&*on.flows, flows[0].id).await;
    let row = on.flows.batch(&small.tenant, small.id).await.unwrap();
    let counts = on.flows.progress(&row.unwrap()).await.unwrap();
    assert_eq!((counts.pending, counts.running), (9, 1));
}

/// Of guesses that are right, wrong, and of flows that are not there.
async fn many_flows_are_cancelled_at_once(on: Arc<Adapters>) {
    let (_, mut rows) = put(&*on.flows, 600).await;
    let running = claimed(&*on.flows, rows[7].id).await;
    on.flows.cancel(&tenant(), rows[8].id, at(3)).await.unwrap();
    on.flows.rest(rows[9].id, at(90)).await.unwrap();
    rows.push(batch(1).1.remove(0));
    let other = "other".parse().unwrap();
    let theirs = on.flows.cancel_all(&other, rows.clone(), at(5)).await;
    assert_eq!(theirs.unwrap(), []);
    let cancelled = on.flows.cancel_all(&tenant(), rows.clone(), at(5)).await;
    let mut cancelled = cancelled.unwrap();
    cancelled.sort_by_key(|flow| flow.index);
    assert_eq!(cancelled.len(), 598);
    let ids: Vec<_> = cancelled.iter().map(|flow| flow.id).collect();
    let stored = on.flows.flows(&tenant(), &ids).await.unwrap();
    let stored: Vec<_> = stored.into_iter().flatten().collect();
    assert_eq!(stored, cancelled);
    assert!(
        stored
            .iter()
            .all(|flow| flow.state() == FlowState::Cancelled)
    );
    assert_eq!(read(&*on.flows, running.id).await, running);
    let again = on.flows.cancel_all(&tenant(), rows, at(6)).await;
    assert_eq!(again.unwrap(), []);
}

/// However often, and by however many, they were counted.
async fn a_complete_batch_knows_how_its_flows_ended(on: Arc<Adapters>) {
    let (batch, _) = batch(1_000);
    on.flows.put_batch(&batch).await.unwrap();
    let known = async || {
        let row = on.flows.batch(&batch.tenant, batch.id).await.unwrap();
        row.unwrap().final_counts()
    };
    let counts = [0..400, 300..999, 0..10].map(async |part| {
        let counted = on.flows.count_settled(batch.id, &ended(part)).await;
        counted.unwrap()
    });
    assert_eq!(join_all(counts).await, [SettledCount::Open; 3]);
    assert_eq!(known().await, None);
    for _ in 0..2 {
        let last = on.flows.count_settled(batch.id, &ended([999])).await;
        assert_eq!(last.unwrap(), SettledCount::Complete);
        let counts = Counts {
            completed: 334,
            failed: 333,
            cancelled: 333,
            ..Counts::default()
        };
        assert_eq!(known().await, Some(counts));
    }
}

async fn a_tally_is_idempotent_and_stays_complete(on: Arc<Adapters>) {
    let (batch, _) = put(&*on.flows, 3).await;
    for (index, expected) in [
        (0, SettledCount::Open),
        (0, SettledCount::Open),
        (2, SettledCount::Open),
        (2, SettledCount::Open),
        (1, SettledCount::Complete),
        (0, SettledCount::Complete),
        (1, SettledCount::Complete),
    ] {
        let count_settled = on
            .flows
            .count_settled(batch.id, &ended([index]))
            .await
            .unwrap();
        assert_eq!(count_settled, expected, "{index}");
    }
    let unknown = on
        .flows
        .count_settled(BatchId::generate(), &ended([0]))
        .await
        .unwrap();
    assert_eq!(unknown, SettledCount::Open);
}

async fn of_many_tallies_the_last_completes(on: Arc<Adapters>) {
    let (batch, _) = put(&*on.flows, 40).await;
    let tallies = (0..40).map(|index| {
        let flows = on.flows.clone();
        tokio::spawn(async move {
            flows
                .count_settled(batch.id, &ended([index]))
                .await
                .unwrap()
        })
    });
    let tallies = join_all(tallies).await;
    assert!(
        tallies
            .iter()
            .any(|counted| matches!(counted, Ok(SettledCount::Complete)))
    );
}

async fn many_flows_are_tallied_at_once(on: Arc<Adapters>) {
    let size = u32::try_from(MAX_BATCH).unwrap();
    let (batch, _) = batch(size);
    on.flows.put_batch(&batch).await.unwrap();
    let all = ended(0..size);
    let count_settled = on.flows.count_settled(batch.id, &all[1..]).await.unwrap();
    assert_eq!(count_settled, SettledCount::Open);
    let count_settled = on.flows.count_settled(batch.id, &all).await.unwrap();
    assert_eq!(count_settled, SettledCount::Complete);
}

/// Not even for the holder of the last claim, whose fence nobody raised.
async fn nothing_leaves_a_settled_state(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 3).await;
    let failure = || Failure::transient(FailureCode::WorkerCrashed, "crash");
    let ends = [
        Some(Settlement::Completed(output(b"made"))),
        Some(Settlement::Failed(failure())),
        None,
    ];
    for (row, end) in rows.iter().zip(ends) {
        let flow = claimed(&*on.flows, row.id).await;
        let settle = async |settlement| {
            on.flows
                .settle(flow.id, flow.fence, settlement, CallEnd::NoCall, at(20))
                .await
                .unwrap()
        };
        match end {
            Some(settlement) => assert_eq!(settle(settlement).await, Fenced::Done),
            None => drop(
                on.flows
                    .fail_dead_letter(flow.id, failure(), at(20))
                    .await
                    .unwrap(),
            ),
        }
        let before = read(&*on.flows, flow.id).await;
        let begun = on
            .flows
            .begin_call(flow.id, flow.fence, Vec::new())
            .await
            .unwrap();
        assert_eq!(begun, Fenced::Lost);
        let deferral = Deferral {
            not_before: at(50),
            next_try: NextTry::Same,
            reason: Wait::Worker,
            last_failure: None,
        };
        let deferred = on
            .flows
            .defer(flow.id, flow.fence, deferral, CallEnd::NoCall, at(30));
        assert_eq!(deferred.await.unwrap(), Fenced::Lost);
        let late = Settlement::Completed(output(b"late"));
        assert_eq!(settle(late).await, Fenced::Lost);
        assert_eq!(read(&*on.flows, flow.id).await, before);
    }
}
