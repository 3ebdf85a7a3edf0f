//! Everything that Assetmill keeps on one machine: a folder with a SQLite database for batches,
//! flows, work and the queue, and a folder of outputs.

mod activity;
mod database;
mod expiry;
mod flows;
mod folder;
mod gates;
mod idempotency;
mod outputs;
pub mod private;
mod quarantine;
mod queue;
mod result_cache;
mod retention;
mod rows;
mod webhooks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{Clock, SteadyClock, Unavailable};
use jiff::Timestamp;
use rusqlite::{Connection, params};

pub use activity::SqliteActivityLog;
pub use database::DatabaseProbe;
pub use expiry::{Expired, Expiry};
pub use flows::SqliteFlows;
pub use folder::{Folder, OpenError};
pub use gates::SqliteGates;
pub use idempotency::SqliteIdempotencyKeys;
pub use outputs::FolderOutputs;
pub use queue::{QueueSettings, SqliteQueue};
pub use result_cache::SqliteResultCache;
pub use webhooks::SqliteWebhooks;

use database::Database;
use queue::{DEAD_LETTERS, FLOWS, MessageIds, QUARANTINE};
use retention::Retention;

/// The ports on one folder, which one process at a time may hold.
#[derive(Clone)]
pub struct Store {
    folder: Arc<Folder>,
    database: Database,
    clock: Arc<dyn Clock>,
    /// Messages are held back for a time: setting the clock of the machine neither stops them nor lets all go at once.
    steady: Arc<dyn Clock>,
    retention: Retention,
    ids: MessageIds,
}

impl Store {
    /// Opens the folder at `path`, or makes it, and releases what a process held that was killed.
    ///
    /// # Errors
    /// [`OpenError`] when the folder can't be used, or another process holds it.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let folder = Arc::new(Folder::open(path)?);
        let database = Database::open(&folder.database())?;
        let ids = take_over(&database, clock.now()).await?;
        Ok(Self {
            folder,
            database,
            retention: Retention::for_ever(clock.clone()),
            ids,
            steady: Arc::new(SteadyClock::begun_by(&*clock)),
            clock,
        })
    }

    /// Keeps batches for so long from their acceptance on, and remembered work from its end on; without it, all is
    /// kept for ever. What is older is not found any more, and [`expiry`](Self::expiry) deletes it.
    #[must_use]
    pub fn keeping_for(self, retention: Duration) -> Self {
        Self {
            retention: self.retention.of(retention),
            ..self
        }
    }

    /// What deletes what is older; `None` if all is kept for ever.
    pub fn expiry(&self) -> Option<Expiry> {
        let retention = self.retention.clone();
        retention
            .ends()
            .then(|| Expiry::new(self.database.clone(), self.outputs(), retention))
    }

    /// Rows of flows and batches.
    pub fn flows(&self) -> SqliteFlows {
        SqliteFlows::new(self.database.clone(), self.retention.clone())
    }

    /// Remembered work.
    pub fn result_cache(&self) -> SqliteResultCache {
        SqliteResultCache::new(self.database.clone(), self.retention.clone())
    }

    /// Keys of requests.
    pub fn idempotency_keys(&self) -> SqliteIdempotencyKeys {
        SqliteIdempotencyKeys::new(self.database.clone())
    }

    /// Gates of operations.
    pub fn gates(&self) -> SqliteGates {
        SqliteGates::new(self.database.clone())
    }

    /// What happened lately.
    pub fn activity_log(&self) -> SqliteActivityLog {
        SqliteActivityLog::new(self.database.clone(), self.retention.clone())
    }

    /// Endpoints of tenants, and what they are told.
    pub fn webhooks(&self) -> SqliteWebhooks {
        SqliteWebhooks::new(self.database.clone(), self.retention.clone())
    }

    /// Stored outputs.
    pub fn outputs(&self) -> FolderOutputs {
        FolderOutputs::new(self.folder.clone())
    }

    /// The queue of flows.
    pub fn queue(&self, settings: QueueSettings) -> SqliteQueue {
        SqliteQueue::new(
            self.database.clone(),
            self.steady.clone(),
            self.retention.clone(),
            self.ids.clone(),
            settings,
        )
    }

    /// Flows that were being worked on when a process died.
    pub fn quarantine(&self, visibility: Duration) -> SqliteQueue {
        let settings = QueueSettings::quarantine(visibility);
        self.queue(settings)
    }

    /// The dead letters of the queue of flows.
    pub fn dead_letters(&self, visibility: Duration) -> SqliteQueue {
        let settings = QueueSettings::dead_letters(visibility);
        self.queue(settings)
    }

    /// Tells whether the database answers.
    pub fn probe(&self) -> DatabaseProbe {
        DatabaseProbe::new(self.database.clone())
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Gives back what this process holds and will not finish: what it is still at can't settle any
    /// more, and the attempts cost nothing. How many flows there were.
    ///
    /// # Errors
    /// Whatever the database says; then the next [`open`](Self::open) takes over.
    pub async fn release(&self) -> Result<usize, Unavailable> {
        let now = self.clock.now().as_millisecond();
        let now_steady = self.steady.now().as_millisecond();
        let released = self.database.write(move |rows| {
            // What is taken up and not claimed yet counts as claimed before, so that whoever is at it can't claim it any
            // more. Flows whose caller waits have no message yet, nor has their batch.
            rows.execute(
                "UPDATE flows SET fence = fence + 1, revision = revision + (revision > 0)
                 WHERE state = 'PENDING' AND batch_id IN (
                     SELECT batch_id FROM batches WHERE dispatched_at IS NULL)",
                [],
            )?;
            let unclaimed = rows.execute(
                "UPDATE flows SET fence = fence + 1, revision = revision + (revision > 0)
                 WHERE state = 'PENDING' AND flow_id IN (
                     SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.flow_id') END
                     FROM messages WHERE queue = ?1 AND received = 1 AND visible_at > ?2)",
                params![FLOWS, now_steady],
            )?;
            rows.execute(
                "UPDATE messages
                 SET visible_at = ?1, receives = receives - 1, received = receives > 1
                 WHERE queue IN (?2, ?3, ?4) AND received = 1 AND visible_at > ?1",
                (now_steady, FLOWS, QUARANTINE, DEAD_LETTERS),
            )?;
            end_claims(rows, now)?;
            let claimed = rows.execute(
                "UPDATE flows SET state = 'PENDING', at = NULL, detail = NULL,
                 attempts = attempts - 1, revision = revision + (revision > 0)
                 WHERE state = 'RUNNING'",
                [],
            )?;
            Ok(unclaimed + claimed)
        });
        released.await.map_err(|error| error.of("flows"))
    }
}

/// Ends the leases that a killed process held, and quarantines its flows; how messages are numbered that come after those
/// that there are.
async fn take_over(database: &Database, now: Timestamp) -> Result<MessageIds, OpenError> {
    let taken_over = database.write(move |rows| {
        let ids = MessageIds::after_all(rows)?;
        quarantine::take_over(rows, &ids, now)?;
        let now = now.as_millisecond();
        end_claims(rows, now)?;
        let flows = rows.execute(
            "UPDATE flows SET at = ?1, revision = revision + (revision > 0)
             WHERE state = 'RUNNING'",
            [now],
        )?;
        Ok((ids, flows))
    });
    let (ids, flows) = taken_over.await.map_err(OpenError::Database)?;
    if flows > 0 {
        tracing::warn!(flows, "took over flows of a process that was killed");
    }
    Ok(ids)
}

/// Lets others claim the work that this folder's process was doing.
fn end_claims(rows: &Connection, now: i64) -> rusqlite::Result<usize> {
    rows.execute(
        "UPDATE works SET held_until = ?1 WHERE held_until > ?1",
        [now],
    )
}
