//! What happened lately: what is added is there, once, and only for whose it is.

use std::sync::Arc;

use assetmill_core::{Activity, ActivityInterval, TenantId};
use futures_util::future::join_all;

use super::{Adapters, cases};
use crate::samples::{at, tenant};

cases! { "activity":
    where_nothing_happened_there_is_nothing,
    what_is_added_is_read_the_earliest_first,
    what_is_earlier_is_left_out,
    what_is_added_to_an_interval_adds_up,
    of_what_is_added_at_the_same_time_none_is_lost,
    tenants_are_told_apart,
}

/// The interval that was so many before the present one.
fn ago(intervals: i64) -> ActivityInterval {
    ActivityInterval::numbered(ActivityInterval::of(at(0)).number() - intervals)
}

fn counts(counts: [u64; 4]) -> Activity {
    let [completed, failed, cancelled, paid_calls] = counts;
    Activity {
        completed,
        failed,
        cancelled,
        paid_calls,
    }
}

async fn add(on: &Adapters, tenant: &TenantId, interval: ActivityInterval, numbers: [u64; 4]) {
    let added = on.activity.add(tenant, interval, counts(numbers)).await;
    added.unwrap();
}

async fn read(
    on: &Adapters,
    tenant: &TenantId,
    since: ActivityInterval,
) -> Vec<(ActivityInterval, Activity)> {
    on.activity.activity(tenant, since).await.unwrap()
}

async fn where_nothing_happened_there_is_nothing(on: Arc<Adapters>) {
    assert_eq!(read(&on, &tenant(), ago(100)).await, []);
}

/// Some next to each other, some hours apart.
async fn what_is_added_is_read_the_earliest_first(on: Arc<Adapters>) {
    let intervals = [0, 1, 2, 11, 12, 23, 24, 25, 47, 48, 100];
    let mut expected = Vec::new();
    for (count, interval) in (1..).zip(intervals) {
        let numbers = [count, 0, u64::from(count % 2 == 0), 10_000_000_000 * count];
        add(&on, &tenant(), ago(interval), numbers).await;
        expected.push((ago(interval), counts(numbers)));
    }
    expected.reverse();
    assert_eq!(read(&on, &tenant(), ago(100)).await, expected);
}

async fn what_is_earlier_is_left_out(on: Arc<Adapters>) {
    for interval in 0..60 {
        add(&on, &tenant(), ago(interval), [1, 0, 0, 0]).await;
    }
    for since in [0, 1, 23, 24, 59, 80] {
        let found = read(&on, &tenant(), ago(since)).await;
        let expected = usize::try_from(since + 1).unwrap().min(60);
        assert_eq!(found.len(), expected, "{since}");
        assert_eq!(found[0].0, ago(since.min(59)));
    }
}

async fn what_is_added_to_an_interval_adds_up(on: Arc<Adapters>) {
    for numbers in [[1, 0, 0, 0], [2, 3, 0, 0], [0, 0, 4, 5], [0, 1, 1, 1]] {
        add(&on, &tenant(), ago(1), numbers).await;
    }
    let expected = [(ago(1), counts([3, 4, 5, 6]))];
    assert_eq!(read(&on, &tenant(), ago(1)).await, expected);
}

async fn of_what_is_added_at_the_same_time_none_is_lost(on: Arc<Adapters>) {
    let adds = (0..24).map(|_| {
        let on = on.clone();
        tokio::spawn(async move { add(&on, &tenant(), ago(0), [1, 2, 3, 4]).await })
    });
    for added in join_all(adds).await {
        added.unwrap();
    }
    let expected = [(ago(0), counts([24, 48, 72, 96]))];
    assert_eq!(read(&on, &tenant(), ago(0)).await, expected);
}

async fn tenants_are_told_apart(on: Arc<Adapters>) {
    let others: [TenantId; 2] = ["acme2", "a"].map(|name| name.parse().unwrap());
    add(&on, &tenant(), ago(0), [1, 1, 1, 1]).await;
    add(&on, &others[0], ago(0), [2, 0, 0, 0]).await;
    let found = read(&on, &tenant(), ago(5)).await;
    assert_eq!(found, [(ago(0), counts([1, 1, 1, 1]))]);
    let found = read(&on, &others[0], ago(5)).await;
    assert_eq!(found, [(ago(0), counts([2, 0, 0, 0]))]);
    assert_eq!(read(&on, &others[1], ago(5)).await, []);
}
