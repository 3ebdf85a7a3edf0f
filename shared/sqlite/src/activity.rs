//! What happened lately in SQLite.

use assetmill_core::ports::{ACTIVITY_KEPT_FOR, ActivityLog, ActivityReads, Unavailable};
use assetmill_core::{Activity, ActivityInterval, TenantId};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::database::Database;
use super::retention::Retention;

/// How many old intervals are deleted at once: more than are added, so the table does not grow for ever, and few enough
/// for nobody to wait for it.
const DELETED: usize = 100;

/// What happened lately in SQLite.
#[derive(Debug, Clone)]
pub struct SqliteActivityLog {
    database: Database,
    retention: Retention,
}

impl SqliteActivityLog {
    pub(super) fn new(database: Database, retention: Retention) -> Self {
        Self {
            database,
            retention,
        }
    }
}

#[async_trait]
impl ActivityReads for SqliteActivityLog {
    async fn activity(
        &self,
        tenant: &TenantId,
        since: ActivityInterval,
    ) -> Result<Vec<(ActivityInterval, Activity)>, Unavailable> {
        let since = since.max(oldest(&self.retention));
        let read = self.database.read_for(tenant, move |rows, tenant| {
            rows.prepare_cached(
                "SELECT interval, completed, failed, cancelled, paid_calls FROM activity
                 WHERE tenant = ?1 AND interval >= ?2 ORDER BY interval",
            )?
            .query_map(params![tenant.as_str(), since.number()], interval)?
            .collect()
        });
        read.await.map_err(|error| error.of("activity"))
    }
}

#[async_trait]
impl ActivityLog for SqliteActivityLog {
    async fn add(
        &self,
        tenant: &TenantId,
        interval: ActivityInterval,
        activity: Activity,
    ) -> Result<(), Unavailable> {
        let tenant = tenant.clone();
        let oldest = oldest(&self.retention);
        let added = self.database.write(move |rows| {
            add(rows, &tenant, interval, activity)?;
            delete_older(rows, oldest)?;
            Ok(())
        });
        added.await.map_err(|error| error.of("activity"))
    }
}

/// The first interval that can still be read: of those that begin before it nothing is told.
pub(super) fn oldest(retention: &Retention) -> ActivityInterval {
    let longest = i64::try_from(ACTIVITY_KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
    let time = retention.now().saturating_sub(longest);
    let time = time.max(retention.cutoff().milliseconds());
    let time = Timestamp::from_millisecond(time).unwrap_or(Timestamp::MIN);
    let interval = ActivityInterval::of(time);
    if interval.start() < time {
        ActivityInterval::numbered(interval.number() + 1)
    } else {
        interval
    }
}

/// Deletes some of what is older than this; how many intervals.
pub(super) fn delete_older(rows: &Connection, oldest: ActivityInterval) -> rusqlite::Result<usize> {
    rows.prepare_cached(
        "DELETE FROM activity WHERE (tenant, interval) IN
            (SELECT tenant, interval FROM activity
             WHERE interval < ?1 ORDER BY interval LIMIT ?2)",
    )?
    .execute(params![oldest.number(), DELETED])
}

fn add(
    rows: &Connection,
    tenant: &TenantId,
    interval: ActivityInterval,
    activity: Activity,
) -> rusqlite::Result<()> {
    let Activity {
        completed,
        failed,
        cancelled,
        paid_calls,
    } = activity;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    rows.prepare_cached(
        "INSERT INTO activity (tenant, interval, completed, failed, cancelled, paid_calls)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant, interval) DO UPDATE SET
            completed = completed + excluded.completed,
            failed = failed + excluded.failed,
            cancelled = cancelled + excluded.cancelled,
            paid_calls = paid_calls + excluded.paid_calls",
    )?
    .execute(params![
        tenant.as_str(),
        interval.number(),
        number(completed),
        number(failed),
        number(cancelled),
        number(paid_calls),
    ])?;
    Ok(())
}

fn interval(row: &Row<'_>) -> rusqlite::Result<(ActivityInterval, Activity)> {
    let activity = Activity {
        completed: row.get("completed")?,
        failed: row.get("failed")?,
        cancelled: row.get("cancelled")?,
        paid_calls: row.get("paid_calls")?,
    };
    Ok((ActivityInterval::numbered(row.get("interval")?), activity))
}
