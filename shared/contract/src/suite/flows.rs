//! Rows of flows and batches: what is put can be read, by its owner alone.

use std::sync::Arc;

use assetmill_core::ports::{FlowChanges as _, FlowPage, FlowWrites, SettledCount};
use assetmill_core::{
    Batch, BatchId, Counts, FlowId, FlowState, MAX_BATCH, ParamKind, ParamSpec, ParamsSchema,
    TenantId,
};
use serde_json::json;

use super::{Adapters, cases};
use crate::samples::{at, batch, ended, tenant};

cases! { "flows":
    flows_read_back_in_the_order_asked,
    unknown_flows_are_none,
    a_flow_may_be_asked_for_twice,
    a_read_sees_an_answered_write_while_others_read,
    flows_of_another_tenant_do_not_exist,
    ten_thousand_flows_fit,
    a_batch_reads_back,
    a_batch_that_is_put_again_stays_what_it_became,
    a_batch_of_another_tenant_does_not_exist,
    batches_are_listed_latest_first,
    flows_of_a_batch_come_in_pages,
    flows_of_a_batch_can_be_picked_by_state,
    counts_equal_the_states,
    flows_of_the_batch_of_another_tenant_do_not_exist,
    a_batch_is_undispatched_until_marked,
    flows_are_open_from_the_dispatch_of_their_batch_to_its_completion,
}

pub(super) async fn put(flows: &dyn FlowWrites, size: u32) -> (Batch, Vec<assetmill_core::Flow>) {
    let (batch, rows) = batch(size);
    flows.put_flows(&rows).await.unwrap();
    flows.put_batch(&batch).await.unwrap();
    (batch, rows)
}

async fn flows_read_back_in_the_order_asked(on: Arc<Adapters>) {
    let (_, mut rows) = put(&*on.flows, 250).await;
    rows.reverse();
    let ids: Vec<_> = rows.iter().map(|flow| flow.id).collect();
    let read = on.flows.flows(&tenant(), &ids).await.unwrap();
    assert_eq!(read, rows.into_iter().map(Some).collect::<Vec<_>>());
}

async fn unknown_flows_are_none(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let ids = [FlowId::generate(), rows[0].id, FlowId::generate()];
    let read = on.flows.flows(&tenant(), &ids).await.unwrap();
    assert_eq!(read, [None, Some(rows[0].clone()), None]);
}

async fn a_flow_may_be_asked_for_twice(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let ids = [rows[0].id, rows[0].id];
    let read = on.flows.flows(&tenant(), &ids).await.unwrap();
    assert_eq!(read, [Some(rows[0].clone()), Some(rows[0].clone())]);
    assert_eq!(on.flows.flows(&tenant(), &[]).await.unwrap(), []);
}

async fn a_read_sees_an_answered_write_while_others_read(on: Arc<Adapters>) {
    let (_, many) = put(&*on.flows, 2_000).await;
    let ids: Arc<Vec<_>> = Arc::new(many.iter().map(|flow| flow.id).collect());
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (on, ids) = (on.clone(), ids.clone());
            tokio::spawn(async move {
                loop {
                    on.flows.flows(&tenant(), &ids).await.unwrap();
                    // An adapter in memory never waits by itself.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for flow in &many[..50] {
        on.flows.claim(flow.id, at(1), at(9)).await.unwrap();
        let read = on.flows.flows(&tenant(), &[flow.id]).await.unwrap();
        let state = read[0].as_ref().map(assetmill_core::Flow::state);
        assert_eq!(state, Some(FlowState::Running));
    }
    readers.iter().for_each(tokio::task::JoinHandle::abort);
}

async fn flows_of_another_tenant_do_not_exist(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let other = "other".parse().unwrap();
    let read = on.flows.flows(&other, &[rows[0].id]).await.unwrap();
    assert_eq!(read, [None]);
}

async fn ten_thousand_flows_fit(on: Arc<Adapters>) {
    let (batch, rows) = put(&*on.flows, u32::try_from(MAX_BATCH).unwrap()).await;
    let ids: Vec<_> = rows.iter().map(|flow| flow.id).collect();
    let read = on.flows.flows(&tenant(), &ids).await.unwrap();
    assert_eq!(read.iter().flatten().count(), MAX_BATCH);
    let counts = on.flows.counts(&tenant(), batch.id).await.unwrap();
    assert_eq!(counts.pending, batch.size);
}

async fn a_batch_reads_back(on: Arc<Adapters>) {
    let (mut batch, _) = batch(3);
    let schema = ParamsSchema(
        [(
            "width".to_owned(),
            ParamSpec {
                summary: String::new(),
                kind: ParamKind::Integer { min: 1, max: 9 },
                default: None,
            },
        )]
        .into(),
    );
    let given = json!({ "width": 5 });
    batch.params = schema.accept(given.as_object().unwrap()).unwrap();
    batch.retry_of = Some(BatchId::generate());
    batch.name = Some("Autumn, größer".to_owned().try_into().unwrap());
    batch.labels = "season:autumn,shop.de/kind:".parse().unwrap();
    on.flows.put_batch(&batch).await.unwrap();
    let read = on.flows.batch(&tenant(), batch.id).await.unwrap();
    assert_eq!(read, Some(batch));
}

async fn a_batch_that_is_put_again_stays_what_it_became(on: Arc<Adapters>) {
    let (batch, _) = put(&*on.flows, 2).await;
    let settled = on.flows.count_settled(batch.id, &ended([0])).await.unwrap();
    assert_eq!(settled, SettledCount::Open);
    on.flows.mark_dispatched(batch.id, at(1)).await.unwrap();
    on.flows.put_batch(&batch).await.unwrap();
    let read = on.flows.batch(&tenant(), batch.id).await.unwrap().unwrap();
    assert_eq!(read.dispatched_at, Some(at(1)));
    let settled = on.flows.count_settled(batch.id, &ended([1])).await.unwrap();
    assert_eq!(settled, SettledCount::Complete);
}

async fn a_batch_of_another_tenant_does_not_exist(on: Arc<Adapters>) {
    let (batch, _) = put(&*on.flows, 1).await;
    let other = "other".parse().unwrap();
    assert_eq!(on.flows.batch(&other, batch.id).await.unwrap(), None);
    assert_eq!(on.flows.batches(&other, None, 10).await.unwrap(), []);
    let unknown = BatchId::generate();
    assert_eq!(on.flows.batch(&tenant(), unknown).await.unwrap(), None);
}

async fn batches_are_listed_latest_first(on: Arc<Adapters>) {
    let mut put_ids = Vec::new();
    for _ in 0..5 {
        put_ids.push(put(&*on.flows, 1).await.0.id);
    }
    put_ids.reverse();
    let ids = |batches: Vec<Batch>| batches.iter().map(|batch| batch.id).collect::<Vec<_>>();
    let first = ids(on.flows.batches(&tenant(), None, 3).await.unwrap());
    assert_eq!(first, put_ids[..3]);
    let rest = ids(on
        .flows
        .batches(&tenant(), Some(first[2]), 3)
        .await
        .unwrap());
    assert_eq!(rest, put_ids[3..]);
}

async fn flows_of_a_batch_come_in_pages(on: Arc<Adapters>) {
    let (batch, rows) = put(&*on.flows, 7).await;
    put(&*on.flows, 2).await;
    let mut read = Vec::new();
    let mut after = None;
    loop {
        let page = on
            .flows
            .batch_flows(&tenant(), batch.id, None, after, 3)
            .await
            .unwrap();
        assert!(page.flows.len() <= 3, "{}", page.flows.len());
        read.extend(page.flows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read, rows);
}

async fn flows_of_a_batch_can_be_picked_by_state(on: Arc<Adapters>) {
    let (batch, rows) = put(&*on.flows, 4).await;
    on.flows.claim(rows[2].id, at(1), at(9)).await.unwrap();
    let indexes = async |state, after| {
        let page = on
            .flows
            .batch_flows(&tenant(), batch.id, Some(state), after, 10)
            .await
            .unwrap();
        page.flows.iter().map(|flow| flow.index).collect::<Vec<_>>()
    };
    assert_eq!(indexes(FlowState::Running, None).await, [2]);
    assert_eq!(indexes(FlowState::Pending, None).await, [0, 1, 3]);
    assert_eq!(indexes(FlowState::Pending, Some(0)).await, [1, 3]);
    assert_eq!(indexes(FlowState::Failed, None).await, [0_u32; 0]);
}

async fn counts_equal_the_states(on: Arc<Adapters>) {
    let (batch, rows) = put(&*on.flows, 4).await;
    on.flows.claim(rows[0].id, at(1), at(9)).await.unwrap();
    on.flows.cancel(&tenant(), rows[1].id, at(1)).await.unwrap();
    let counts = on.flows.counts(&tenant(), batch.id).await.unwrap();
    let expected = Counts {
        pending: 2,
        running: 1,
        cancelled: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}

async fn flows_of_the_batch_of_another_tenant_do_not_exist(on: Arc<Adapters>) {
    let (batch, rows) = put(&*on.flows, 3).await;
    let other = "other".parse().unwrap();
    for state in [None, Some(FlowState::Pending)] {
        for after in [None, Some(0)] {
            // A page of which there is more: not even that is told.
            let page = on
                .flows
                .batch_flows(&other, batch.id, state, after, 1)
                .await;
            assert_eq!(page.unwrap(), FlowPage::default());
        }
    }
    let counts = on.flows.counts(&other, batch.id).await.unwrap();
    assert_eq!(counts, Counts::default());
    let counts = on.flows.counts(&tenant(), batch.id).await.unwrap();
    assert_eq!(counts.total() as usize, rows.len());
}

async fn a_batch_is_undispatched_until_marked(on: Arc<Adapters>) {
    let (batch, _) = put(&*on.flows, 1).await;
    let left_behind = async |created_before| {
        let batches = on.flows.undispatched(created_before, 10).await.unwrap();
        batches.iter().map(|batch| batch.id).collect::<Vec<_>>()
    };
    assert_eq!(left_behind(batch.created_at).await, []);
    assert_eq!(left_behind(at(60)).await, [batch.id]);
    on.flows.mark_dispatched(batch.id, at(1)).await.unwrap();
    on.flows.mark_dispatched(batch.id, at(2)).await.unwrap();
    assert_eq!(left_behind(at(60)).await, []);
    let read = on.flows.batch(&tenant(), batch.id).await.unwrap();
    assert_eq!(read.unwrap().dispatched_at, Some(at(1)));
}

async fn flows_are_open_from_the_dispatch_of_their_batch_to_its_completion(on: Arc<Adapters>) {
    let other: TenantId = "other".parse().unwrap();
    let open = async |tenant| on.flows.open_flows(tenant, 1_000).await.unwrap();
    let tenant = tenant();
    let (first, rows) = put(&*on.flows, 3).await;
    let (second, _) = put(&*on.flows, 40).await;
    assert_eq!(open(&tenant).await, 0);
    for batch in [&first, &second] {
        // A batch is marked, and put, as often as somebody tries again.
        on.flows.mark_dispatched(batch.id, at(1)).await.unwrap();
        on.flows.mark_dispatched(batch.id, at(2)).await.unwrap();
    }
    assert_eq!(open(&tenant).await, 43);
    assert_eq!(open(&other).await, 0);
    let row = on.flows.batch(&tenant, first.id).await.unwrap().unwrap();
    on.flows.put_batch(&row).await.unwrap();
    assert_eq!(open(&tenant).await, 43);
    // Enough is told as such, however much more there is.
    assert!(on.flows.open_flows(&tenant, 2).await.unwrap() > 2);
    // One that is settled is open for as long as its batch.
    on.flows.cancel(&tenant, rows[0].id, at(3)).await.unwrap();
    on.flows.count_settled(first.id, &ended([0])).await.unwrap();
    assert_eq!(open(&tenant).await, 43);
    on.flows.mark_completed(first.id, at(4)).await.unwrap();
    on.flows.mark_completed(first.id, at(5)).await.unwrap();
    assert_eq!(open(&tenant).await, 40);
    on.flows.completion_done(first.id).await.unwrap();
    assert_eq!(open(&tenant).await, 40);
    // One that completed before it was dispatched never was open.
    let (third, _) = put(&*on.flows, 5).await;
    on.flows.mark_completed(third.id, at(6)).await.unwrap();
    on.flows.mark_dispatched(third.id, at(7)).await.unwrap();
    assert_eq!(open(&tenant).await, 40);
}
