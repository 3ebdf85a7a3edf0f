//! Remembered work in SQLite.

use assetmill_core::ports::{ResultCache, Unavailable, WorkClaim, WorkHolder};
use assetmill_core::{Output, WorkKey};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use super::database::Database;
use super::retention::{Cutoff, Retention};
use super::rows;

/// Remembered work in SQLite.
#[derive(Debug, Clone)]
pub struct SqliteResultCache {
    database: Database,
    retention: Retention,
}

struct Held {
    holder: String,
    fence: i64,
    until: i64,
}

impl SqliteResultCache {
    pub(super) fn new(database: Database, retention: Retention) -> Self {
        Self {
            database,
            retention,
        }
    }

    async fn execute(
        &self,
        sql: &'static str,
        values: impl Params + Clone + Send + 'static,
    ) -> Result<(), Unavailable> {
        let executed = self.database.write(move |rows| {
            rows.prepare_cached(sql)?.execute(values.clone())?;
            Ok(())
        });
        executed.await.map_err(|error| error.of("works"))
    }
}

#[async_trait]
impl ResultCache for SqliteResultCache {
    async fn find(&self, key: &WorkKey) -> Result<Option<Output>, Unavailable> {
        let key = key.as_str().to_owned();
        let gone = self.retention.cutoff();
        let found = self.database.read(move |rows| found(rows, &key, gone));
        found.await.map_err(|error| error.of("works"))
    }

    async fn claim(
        &self,
        key: &WorkKey,
        holder: WorkHolder,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<WorkClaim, Unavailable> {
        let key = key.as_str().to_owned();
        let gone = self.retention.cutoff();
        let claimed = self
            .database
            .write(move |rows| claim(rows, &key, holder, now, until, gone));
        claimed.await.map_err(|error| error.of("works"))
    }

    async fn complete(&self, key: &WorkKey, output: &Output) -> Result<(), Unavailable> {
        let key = key.as_str().to_owned();
        let output = rows::to_json(output).map_err(|error| Unavailable::new("works", error))?;
        let now = self.retention.now();
        let completed = self
            .database
            .write(move |rows| complete(rows, &key, &output, now));
        completed.await.map_err(|error| error.of("works"))
    }

    async fn release(&self, key: &WorkKey, holder: WorkHolder) -> Result<(), Unavailable> {
        let (holder, fence) = columns(holder);
        self.execute(
            "DELETE FROM works WHERE work_key = ?1 AND holder = ?2 AND fence = ?3",
            (key.as_str().to_owned(), holder, fence),
        )
        .await
    }

    async fn forget(&self, key: &WorkKey) -> Result<(), Unavailable> {
        self.execute(
            "DELETE FROM works WHERE work_key = ?1 AND output IS NOT NULL",
            (key.as_str().to_owned(),),
        )
        .await
    }
}

/// As [`ResultCache::claim`] promises.
pub(super) fn claim(
    rows: &Connection,
    key: &str,
    holder: WorkHolder,
    now: Timestamp,
    until: Timestamp,
    gone: Cutoff,
) -> rusqlite::Result<WorkClaim> {
    if let Some(output) = found(rows, key, gone)? {
        return Ok(WorkClaim::Done(output));
    }
    let (holder, fence) = columns(holder);
    if let Some(held) = held(rows, key)?
        && held.until > now.as_millisecond()
        && (held.holder != holder || held.fence > fence)
    {
        let until = Timestamp::from_millisecond(held.until).unwrap_or(until);
        return Ok(WorkClaim::Held { until });
    }
    rows.prepare_cached(
        "INSERT OR REPLACE INTO works (work_key, holder, fence, held_until)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![key, holder, fence, until.as_millisecond()])?;
    Ok(WorkClaim::Claimed)
}

/// As [`ResultCache::complete`] promises.
pub(super) fn complete(
    rows: &Connection,
    key: &str,
    output: &str,
    made_at: i64,
) -> rusqlite::Result<()> {
    rows.prepare_cached(
        "INSERT OR REPLACE INTO works (work_key, output, made_at) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![key, output, made_at])?;
    Ok(())
}

fn columns(holder: WorkHolder) -> (String, i64) {
    let fence = i64::try_from(holder.fence).unwrap_or(i64::MAX);
    (holder.flow_id.to_string(), fence)
}

fn found(rows: &Connection, key: &str, gone: Cutoff) -> rusqlite::Result<Option<Output>> {
    let output: Option<String> = rows
        .prepare_cached(
            "SELECT output FROM works
             WHERE work_key = ?1 AND output IS NOT NULL AND made_at > ?2",
        )?
        .query_row(params![key, gone], |row| row.get(0))
        .optional()?;
    output.map(|output| rows::from_json(&output)).transpose()
}

fn held(rows: &Connection, key: &str) -> rusqlite::Result<Option<Held>> {
    rows.prepare_cached(
        "SELECT holder, fence, held_until FROM works WHERE work_key = ?1 AND holder IS NOT NULL",
    )?
    .query_row([key], |row| {
        Ok(Held {
            holder: row.get(0)?,
            fence: row.get(1)?,
            until: row.get(2)?,
        })
    })
    .optional()
}
