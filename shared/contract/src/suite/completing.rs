//! How a batch completes, and what is to follow from it.

use std::sync::Arc;

use assetmill_core::BatchId;
use assetmill_core::ports::Completion;
use futures_util::future::join_all;

use super::flows::put;
use super::{Adapters, cases, webhooks};
use crate::samples::{at, batch, tenant, webhook};

cases! { "completing":
    a_batch_completes_once,
    a_completion_is_listed_until_all_has_followed,
    a_batch_that_completed_needs_no_dispatch,
    nothing_follows_from_what_nobody_hears_of,
}

async fn a_batch_completes_once(on: Arc<Adapters>) {
    webhooks::made(&on, tenant()).await;
    let (batch, _) = put(&*on.flows, 1).await;
    let completions = (0..8).map(|second| {
        let flows = on.flows.clone();
        tokio::spawn(async move { flows.mark_completed(batch.id, at(second)).await.unwrap() })
    });
    let completions = join_all(completions).await;
    let first = completions
        .iter()
        .position(|answer| matches!(answer, Ok(Completion::First)))
        .expect("nobody was first");
    let already = completions
        .iter()
        .filter(|answer| matches!(answer, Ok(Completion::Already)))
        .count();
    assert_eq!(already, 7);
    let row = on.flows.batch(&tenant(), batch.id).await.unwrap().unwrap();
    assert_eq!(row.completed_at, Some(at(i64::try_from(first).unwrap())));
}

async fn completions(on: &Adapters, second: i64) -> Vec<BatchId> {
    let batches = on.flows.completions(at(second), 10).await.unwrap();
    batches.iter().map(|batch| batch.id).collect()
}

async fn a_completion_is_listed_until_all_has_followed(on: Arc<Adapters>) {
    webhooks::made(&on, tenant()).await;
    let (open, _) = put(&*on.flows, 1).await;
    let (batch, _) = put(&*on.flows, 1).await;
    on.flows.mark_dispatched(batch.id, at(1)).await.unwrap();
    assert_eq!(completions(&on, 100).await, []);
    on.flows.mark_completed(batch.id, at(20)).await.unwrap();
    assert_eq!(completions(&on, 20).await, []);
    assert_eq!(completions(&on, 21).await, [batch.id]);
    // What is sent late takes nothing from it.
    on.flows.mark_dispatched(batch.id, at(22)).await.unwrap();
    assert_eq!(completions(&on, 100).await, [batch.id]);
    for _ in 0..2 {
        on.flows.completion_done(batch.id).await.unwrap();
        assert_eq!(completions(&on, 100).await, []);
    }
    // Nothing follows from what is not completed.
    on.flows.completion_done(open.id).await.unwrap();
    let left = on.flows.undispatched(at(100), 10).await.unwrap();
    assert_eq!(
        left.iter().map(|batch| batch.id).collect::<Vec<_>>(),
        [open.id]
    );
}

async fn a_batch_that_completed_needs_no_dispatch(on: Arc<Adapters>) {
    webhooks::made(&on, tenant()).await;
    let (batch, _) = put(&*on.flows, 1).await;
    on.flows.mark_completed(batch.id, at(20)).await.unwrap();
    assert_eq!(on.flows.undispatched(at(100), 10).await.unwrap(), []);
    on.flows.mark_dispatched(batch.id, at(21)).await.unwrap();
    assert_eq!(completions(&on, 100).await, [batch.id]);
}

/// Where nobody is to be told, an adapter may say so at once. With an endpoint of the batch alone, it is no such case.
async fn nothing_follows_from_what_nobody_hears_of(on: Arc<Adapters>) {
    let (quiet, _) = put(&*on.flows, 1).await;
    let completion = on.flows.mark_completed(quiet.id, at(20)).await.unwrap();
    let listed = completions(&on, 100).await;
    match completion {
        Completion::First => assert_eq!(listed, [quiet.id]),
        Completion::Unheard => assert_eq!(listed, []),
        Completion::Already => panic!("nobody was before"),
    }
    let again = on.flows.mark_completed(quiet.id, at(21)).await.unwrap();
    assert_eq!(again, Completion::Already);
    on.flows.completion_done(quiet.id).await.unwrap();
    let (mut told, rows) = batch(1);
    told.webhook = Some(Box::new(webhook(tenant())));
    on.flows.put_flows(&rows).await.unwrap();
    on.flows.put_batch(&told).await.unwrap();
    let completion = on.flows.mark_completed(told.id, at(20)).await.unwrap();
    assert_eq!(completion, Completion::First);
    assert_eq!(completions(&on, 100).await, [told.id]);
}
