//! What is written about a flow together with its work and its batch.

use std::sync::Arc;

use assetmill_core::ports::{
    ClaimOfWork, Claiming, Completion, MadeWork, Rule, SettledCount, WorkHolder,
};
use assetmill_core::{CallEnd, Flow, FlowId, FlowState, Settlement, WorkKey};

use super::claims::{claimed, read};
use super::flows::put;
use super::result_cache::{holder, key};
use super::{Adapters, cases, webhooks};
use crate::samples::{at, batch, ended, output, tenant};

cases! { "together":
    a_batch_is_accepted_with_its_flows,
    a_claim_that_wins_accepts,
    a_claim_that_loses_accepts_nothing,
    a_claim_that_wins_changes_the_flow,
    a_claim_that_loses_leaves_the_flow,
    what_is_made_is_remembered_with_the_change,
    what_is_made_is_remembered_of_a_flow_that_is_lost,
    the_last_flow_that_settles_completes_its_batch,
    a_flow_that_goes_on_is_not_counted,
}

fn claim<'a>(on: &'a Adapters, key: &'a WorkKey, holder: WorkHolder) -> ClaimOfWork<'a> {
    ClaimOfWork {
        results: &*on.result_cache,
        key,
        holder,
        now: at(10),
        until: at(20),
    }
}

fn start() -> Rule {
    Arc::new(|row: &mut Flow| {
        row.claim(at(10), at(20));
    })
}

fn settle(fence: u64) -> Rule {
    Arc::new(move |row: &mut Flow| {
        let settlement = Settlement::Completed(output(b"made"));
        row.settle(fence, settlement, CallEnd::NoCall.into(), at(20));
    })
}

async fn a_batch_is_accepted_with_its_flows(on: Arc<Adapters>) {
    let (batch, rows) = batch(3);
    let accepted = on.flows.accept(None, &batch, &rows).await.unwrap();
    assert_eq!(accepted, Claiming::Claimed(()));
    let row = on.flows.batch(&batch.tenant, batch.id).await.unwrap();
    assert_eq!(row, Some(batch));
    for row in rows {
        assert_eq!(read(&*on.flows, row.id).await, row);
    }
}

async fn a_claim_that_wins_accepts(on: Arc<Adapters>) {
    let (batch, rows) = batch(1);
    let (key, holder) = (key(), holder());
    let claim = claim(&on, &key, holder);
    let accepted = on.flows.accept(Some(claim), &batch, &rows).await;
    assert_eq!(accepted.unwrap(), Claiming::Claimed(()));
    let row = on.flows.batch(&batch.tenant, batch.id).await.unwrap();
    assert_eq!(row, Some(batch));
    assert_eq!(read(&*on.flows, rows[0].id).await, rows[0]);
    assert_eq!(
        claim_of_another(&on).await,
        Claiming::Held { until: at(20) }
    );
}

async fn a_claim_that_loses_accepts_nothing(on: Arc<Adapters>) {
    let (batch, rows) = batch(1);
    let key = key();
    claim(&on, &key, holder()).make().await.unwrap();
    for expected in [
        Claiming::Held { until: at(20) },
        Claiming::Done(output(b"made")),
    ] {
        let claim = claim(&on, &key, holder());
        let accepted = on.flows.accept(Some(claim), &batch, &rows).await;
        assert_eq!(accepted.unwrap(), expected);
        let row = on.flows.batch(&batch.tenant, batch.id).await.unwrap();
        assert_eq!(row, None);
        let found = on.flows.flows(&batch.tenant, &[rows[0].id]).await.unwrap();
        assert_eq!(found, [None]);
        let made = output(b"made");
        on.result_cache.complete(&key, &made).await.unwrap();
    }
}

async fn a_claim_that_wins_changes_the_flow(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let (key, id) = (key(), rows[0].id);
    let claim = claim(&on, &key, holder());
    let changed = on.flows.change_claiming(claim, id.into(), start()).await;
    assert_eq!(changed.unwrap(), Claiming::Claimed(Some(rows[0].clone())));
    assert_eq!(read(&*on.flows, id).await.state(), FlowState::Running);
    assert_eq!(
        claim_of_another(&on).await,
        Claiming::Held { until: at(20) }
    );
}

async fn a_claim_that_loses_leaves_the_flow(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let (key, id) = (key(), rows[0].id);
    claim(&on, &key, holder()).make().await.unwrap();
    for expected in [
        Claiming::Held { until: at(20) },
        Claiming::Done(output(b"made")),
    ] {
        let claim = claim(&on, &key, holder());
        let changed = on.flows.change_claiming(claim, id.into(), start()).await;
        assert_eq!(changed.unwrap(), expected);
        assert_eq!(read(&*on.flows, id).await, rows[0]);
        let made = output(b"made");
        on.result_cache.complete(&key, &made).await.unwrap();
    }
}

async fn what_is_made_is_remembered_with_the_change(on: Arc<Adapters>) {
    webhooks::made(&on, tenant()).await;
    let (batch, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let (key, output) = (key(), output(b"made"));
    claim(&on, &key, holder()).make().await.unwrap();
    let made = Some(MadeWork {
        results: &*on.result_cache,
        key: &key,
        output: &output,
    });
    let change = on
        .flows
        .change_and_count(made, flow.id.into(), settle(flow.fence));
    let changed = change.await.unwrap().unwrap();
    assert_eq!(changed.before, flow);
    assert_eq!(changed.completion, Some(Completion::First));
    let found = on.result_cache.find(&key).await.unwrap();
    assert_eq!(found, Some(output));
    let settled = read(&*on.flows, flow.id).await.status.settled_at();
    assert_eq!(settled, Some(at(20)));
    let row = on.flows.batch(&batch.tenant, batch.id).await.unwrap();
    assert_eq!(row.unwrap().completed_at, Some(at(20)));
    let open = on.flows.completions(at(21), 10).await.unwrap();
    assert_eq!(open.len(), 1, "something is to follow from it");
}

/// Its lease ended, or it was cancelled: what was made was made, and may have been paid.
async fn what_is_made_is_remembered_of_a_flow_that_is_lost(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    let (key, output) = (key(), output(b"made"));
    for id in [flow.id, FlowId::generate()] {
        let made = Some(MadeWork {
            results: &*on.result_cache,
            key: &key,
            output: &output,
        });
        let rule = settle(flow.fence + 1);
        let changed = on.flows.change_and_count(made, id.into(), rule).await;
        let completion = changed.unwrap().and_then(|changed| changed.completion);
        assert_eq!(completion, None);
        assert_eq!(read(&*on.flows, flow.id).await, flow);
        let found = on.result_cache.find(&key).await.unwrap();
        assert_eq!(found.as_ref(), Some(&output));
        on.result_cache.forget(&key).await.unwrap();
    }
}

async fn the_last_flow_that_settles_completes_its_batch(on: Arc<Adapters>) {
    webhooks::made(&on, tenant()).await;
    let (batch, rows) = put(&*on.flows, 2).await;
    for (row, first, again) in [
        (&rows[1], None, None),
        (&rows[0], Some(Completion::First), Some(Completion::Already)),
    ] {
        let flow = claimed(&*on.flows, row.id).await;
        for completion in [first, again] {
            let rule = settle(flow.fence);
            let changed = on.flows.change_and_count(None, row.id.into(), rule).await;
            assert_eq!(changed.unwrap().unwrap().completion, completion);
        }
    }
    // As if it had been told in steps.
    let counted = on.flows.count_settled(batch.id, &ended([0])).await.unwrap();
    assert_eq!(counted, SettledCount::Complete);
}

async fn a_flow_that_goes_on_is_not_counted(on: Arc<Adapters>) {
    let (batch, rows) = put(&*on.flows, 1).await;
    let id = rows[0].id;
    let changed = on.flows.change_and_count(None, id.into(), start()).await;
    assert_eq!(changed.unwrap().unwrap().completion, None);
    assert_eq!(read(&*on.flows, id).await.state(), FlowState::Running);
    let row = on.flows.batch(&batch.tenant, batch.id).await.unwrap();
    assert_eq!(row.unwrap().completed_at, None);
}

async fn claim_of_another(on: &Adapters) -> Claiming<()> {
    claim(on, &key(), holder()).make().await.unwrap()
}
