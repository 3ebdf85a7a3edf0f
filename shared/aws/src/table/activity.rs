//! What happened lately: a row for each two hours of a tenant, in shards, with a number for each count of each interval.
//! A writer adds to any of the shards, so that no key takes more writes than a partition does; two hours are as many
//! numbers as stay below 1 KB, so that adding is one write.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use assetmill_core::ports::{ACTIVITY_KEPT_FOR, ActivityLog, ActivityReads, Unavailable};
use assetmill_core::{Activity, ActivityInterval, TenantId};
use async_trait::async_trait;
use jiff::Timestamp;

use super::item::{self, Item};
use super::{Table, TableActivityLog, keys, names, unavailable};

/// How many intervals a row has.
const TOGETHER: i64 = 24;

/// The beginnings of the names of the numbers; the place of the interval in its row is the end.
const COMPLETED: char = 'c';
const FAILED: char = 'f';
const CANCELLED: char = 'x';
const PAID_CALLS: char = 'p';

/// The row that an interval is in, and its place there.
fn place(interval: ActivityInterval) -> (i64, i64) {
    let number = interval.number();
    (number.div_euclid(TOGETHER), number.rem_euclid(TOGETHER))
}

#[async_trait]
impl ActivityReads for TableActivityLog {
    async fn activity(
        &self,
        tenant: &TenantId,
        since: ActivityInterval,
    ) -> Result<Vec<(ActivityInterval, Activity)>, Unavailable> {
        let table = &self.0;
        let now = table.clock.now();
        let since = since.max(ActivityInterval::of(now - ACTIVITY_KEPT_FOR));
        let (first, _) = place(since);
        let (last, _) = place(ActivityInterval::of(now));
        let pks: BTreeMap<_, _> = (first..=last)
            .flat_map(|part| keys::activity_shards(tenant, part).map(move |pk| (pk, part)))
            .collect();
        let rows = table.get_many(pks.keys().cloned()).await?;
        let mut intervals = BTreeMap::<_, Activity>::new();
        for (pk, row) in &rows {
            let Some(part) = pks.get(pk) else { continue };
            for (interval, activity) in told_by(row, *part) {
                let sum = intervals.entry(interval).or_default();
                *sum = sum.and(activity);
            }
        }
        Ok(intervals
            .into_iter()
            .filter(|(interval, activity)| *interval >= since && !activity.is_none())
            .collect())
    }
}

fn told_by(row: &Item, part: i64) -> impl Iterator<Item = (ActivityInterval, Activity)> {
    (0..TOGETHER).map(move |place| {
        let number = |name: char| {
            let number = row.get(&format!("{name}{place}"));
            let number = number.and_then(|number| number.as_n().ok()?.parse().ok());
            number.unwrap_or_default()
        };
        let activity = Activity {
            completed: number(COMPLETED),
            failed: number(FAILED),
            cancelled: number(CANCELLED),
            paid_calls: number(PAID_CALLS),
        };
        (
            ActivityInterval::numbered(part * TOGETHER + place),
            activity,
        )
    })
}

#[async_trait]
impl ActivityLog for TableActivityLog {
    async fn add(
        &self,
        tenant: &TenantId,
        interval: ActivityInterval,
        activity: Activity,
    ) -> Result<(), Unavailable> {
        let table = &self.0;
        let (part, place) = place(interval);
        let counts = [
            (COMPLETED, activity.completed),
            (FAILED, activity.failed),
            (CANCELLED, activity.cancelled),
            (PAID_CALLS, activity.paid_calls),
        ];
        let mut expression =
            "SET expires_at = :expires_at, #version = if_not_exists(#version, :version)".to_owned();
        let mut update = table
            .client
            .update_item()
            .table_name(&table.name)
            .key(names::PK, item::text(keys::activity(tenant, part)))
            .expression_attribute_names("#version", names::VERSION)
            .expression_attribute_values(":version", item::version())
            .expression_attribute_values(":expires_at", item::number(table.forgotten_at(part)));
        let mut add = " ADD ";
        for (name, count) in counts {
            if count > 0 {
                // Writing to a string never fails.
                let _ = write!(expression, "{add}{name}{place} :{name}");
                add = ", ";
                update =
                    update.expression_attribute_values(format!(":{name}"), item::number(count));
            }
        }
        let added = update.update_expression(expression).send().await;
        added.map_err(unavailable)?;
        Ok(())
    }
}

impl Table {
    /// When the last interval of a row is forgotten, in seconds since 1970.
    fn forgotten_at(&self, part: i64) -> i64 {
        let after = ActivityInterval::numbered((part + 1) * TOGETHER);
        let kept: Duration = self.retention.min(ACTIVITY_KEPT_FOR);
        let end: Timestamp = after.start();
        end.as_second()
            .saturating_add(i64::try_from(kept.as_secs()).unwrap_or(i64::MAX))
    }
}
