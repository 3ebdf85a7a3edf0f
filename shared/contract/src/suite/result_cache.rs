//! Remembered work: one flow does it, everybody finds it.

use std::sync::Arc;

use assetmill_core::ports::{ResultCache, WorkClaim, WorkHolder};
use assetmill_core::{FlowId, Params, Sha256Digest, WorkKey};
use futures_util::future::join_all;

use super::{Adapters, cases};
use crate::samples::{at, output, tenant};

cases! { "result_cache":
    work_is_found_once_it_is_complete,
    of_many_claims_one_wins,
    held_work_is_not_claimed_by_another,
    an_ended_claim_is_taken_over,
    the_holder_may_claim_again,
    a_later_attempt_takes_over_from_an_earlier,
    an_earlier_attempt_does_not_release_a_later,
    completing_ends_the_claim_of_another,
    released_work_is_claimed,
    only_the_holder_releases,
    complete_work_is_not_claimed,
    completing_is_idempotent,
    forgotten_work_is_claimed,
    forgetting_leaves_a_claim,
}

pub(super) fn key() -> WorkKey {
    WorkKey::new(
        &tenant(),
        &"copy".parse().unwrap(),
        "1",
        &Sha256Digest::of(b"source"),
        &Params::default(),
    )
}

/// The first attempt at a flow of its own.
pub(super) fn holder() -> WorkHolder {
    WorkHolder {
        flow_id: FlowId::generate(),
        fence: 1,
    }
}

async fn claim(result_cache: &dyn ResultCache, holder: WorkHolder, now: i64) -> WorkClaim {
    result_cache
        .claim(&key(), holder, at(now), at(now + 10))
        .await
        .unwrap()
}

async fn work_is_found_once_it_is_complete(on: Arc<Adapters>) {
    assert_eq!(on.result_cache.find(&key()).await.unwrap(), None);
    claim(&*on.result_cache, holder(), 0).await;
    assert_eq!(on.result_cache.find(&key()).await.unwrap(), None);
    on.result_cache
        .complete(&key(), &output(b"made"))
        .await
        .unwrap();
    let found = on.result_cache.find(&key()).await.unwrap();
    assert_eq!(found, Some(output(b"made")));
}

async fn of_many_claims_one_wins(on: Arc<Adapters>) {
    let claims = (0..16).map(|_| {
        let result_cache = on.result_cache.clone();
        tokio::spawn(async move { claim(&*result_cache, holder(), 0).await })
    });
    let claims = join_all(claims).await;
    let won = claims
        .iter()
        .filter(|claim| matches!(claim, Ok(WorkClaim::Claimed)))
        .count();
    assert_eq!(won, 1);
}

async fn held_work_is_not_claimed_by_another(on: Arc<Adapters>) {
    claim(&*on.result_cache, holder(), 0).await;
    let other = claim(&*on.result_cache, holder(), 9).await;
    assert_eq!(other, WorkClaim::Held { until: at(10) });
}

async fn an_ended_claim_is_taken_over(on: Arc<Adapters>) {
    let first = holder();
    claim(&*on.result_cache, first, 0).await;
    let other = claim(&*on.result_cache, holder(), 10).await;
    assert_eq!(other, WorkClaim::Claimed);
    let late = claim(&*on.result_cache, first, 11).await;
    assert_eq!(late, WorkClaim::Held { until: at(20) });
}

async fn the_holder_may_claim_again(on: Arc<Adapters>) {
    let first = holder();
    claim(&*on.result_cache, first, 0).await;
    assert_eq!(claim(&*on.result_cache, first, 5).await, WorkClaim::Claimed);
    let other = claim(&*on.result_cache, holder(), 12).await;
    assert_eq!(other, WorkClaim::Held { until: at(15) });
}

async fn a_later_attempt_takes_over_from_an_earlier(on: Arc<Adapters>) {
    let first = holder();
    let second = WorkHolder { fence: 2, ..first };
    claim(&*on.result_cache, first, 0).await;
    assert_eq!(
        claim(&*on.result_cache, second, 1).await,
        WorkClaim::Claimed
    );
    let late = claim(&*on.result_cache, first, 2).await;
    assert_eq!(late, WorkClaim::Held { until: at(11) });
}

async fn an_earlier_attempt_does_not_release_a_later(on: Arc<Adapters>) {
    let first = holder();
    claim(&*on.result_cache, first, 0).await;
    claim(&*on.result_cache, WorkHolder { fence: 2, ..first }, 1).await;
    on.result_cache.release(&key(), first).await.unwrap();
    let other = claim(&*on.result_cache, holder(), 2).await;
    assert_eq!(other, WorkClaim::Held { until: at(11) });
}

async fn completing_ends_the_claim_of_another(on: Arc<Adapters>) {
    claim(&*on.result_cache, holder(), 0).await;
    on.result_cache
        .complete(&key(), &output(b"made"))
        .await
        .unwrap();
    let other = claim(&*on.result_cache, holder(), 1).await;
    assert_eq!(other, WorkClaim::Done(output(b"made")));
}

async fn released_work_is_claimed(on: Arc<Adapters>) {
    let first = holder();
    claim(&*on.result_cache, first, 0).await;
    on.result_cache.release(&key(), first).await.unwrap();
    let other = claim(&*on.result_cache, holder(), 1).await;
    assert_eq!(other, WorkClaim::Claimed);
}

async fn only_the_holder_releases(on: Arc<Adapters>) {
    claim(&*on.result_cache, holder(), 0).await;
    on.result_cache.release(&key(), holder()).await.unwrap();
    let other = claim(&*on.result_cache, holder(), 1).await;
    assert_eq!(other, WorkClaim::Held { until: at(10) });
}

async fn complete_work_is_not_claimed(on: Arc<Adapters>) {
    let first = holder();
    claim(&*on.result_cache, first, 0).await;
    on.result_cache
        .complete(&key(), &output(b"made"))
        .await
        .unwrap();
    on.result_cache.release(&key(), first).await.unwrap();
    for other in [first, holder()] {
        let again = claim(&*on.result_cache, other, 50).await;
        assert_eq!(again, WorkClaim::Done(output(b"made")));
    }
}

async fn completing_is_idempotent(on: Arc<Adapters>) {
    for _ in 0..2 {
        on.result_cache
            .complete(&key(), &output(b"made"))
            .await
            .unwrap();
    }
    let found = on.result_cache.find(&key()).await.unwrap();
    assert_eq!(found, Some(output(b"made")));
}

async fn forgotten_work_is_claimed(on: Arc<Adapters>) {
    on.result_cache
        .complete(&key(), &output(b"made"))
        .await
        .unwrap();
    on.result_cache.forget(&key()).await.unwrap();
    assert_eq!(on.result_cache.find(&key()).await.unwrap(), None);
    let claim = claim(&*on.result_cache, holder(), 0).await;
    assert_eq!(claim, WorkClaim::Claimed);
}

async fn forgetting_leaves_a_claim(on: Arc<Adapters>) {
    claim(&*on.result_cache, holder(), 0).await;
    on.result_cache.forget(&key()).await.unwrap();
    let other = claim(&*on.result_cache, holder(), 1).await;
    assert_eq!(other, WorkClaim::Held { until: at(10) });
}
