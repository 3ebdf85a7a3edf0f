//! SQLite behind two threads: one that writes, one that reads.
//!
//! Writes that wait for each other share a transaction, so that many flows share one `fsync`; each
//! is answered after the commit, and one that fails takes nothing of the others with it.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use assetmill_core::ports::{Probe, Unavailable};
use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

/// The most writes that share a transaction.
const MAX_SHARED: usize = 256;
/// How long to wait for another process, such as a backup, that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// What makes a schema of the one before it, the first of nothing. How many were applied is kept in
/// SQLite's `user_version`. They are never changed, only added to. What is new in a column of JSON is one too,
/// though it may be empty: an older program would write the row without it, and refuses the folder instead.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_rows.sql"),
    include_str!("migrations/0002_progress.sql"),
    include_str!("migrations/0003_revision.sql"),
    include_str!("migrations/0004_expiry.sql"),
    include_str!("migrations/0005_history.sql"),
    include_str!("migrations/0006_completions.sql"),
    include_str!("migrations/0007_idempotency.sql"),
    include_str!("migrations/0008_gates.sql"),
    include_str!("migrations/0009_open_flows.sql"),
    include_str!("migrations/0010_fair_queue.sql"),
    include_str!("migrations/0011_deaths_alone.sql"),
    include_str!("migrations/0012_names_and_labels.sql"),
    include_str!("migrations/0013_final_counts.sql"),
    include_str!("migrations/0014_activity.sql"),
    include_str!("migrations/0015_webhooks.sql"),
    include_str!("migrations/0016_webhooks_of_batches.sql"),
    include_str!("migrations/0017_told_flows.sql"),
    include_str!("migrations/0018_told_progress.sql"),
];

/// What SQLite said.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A statement failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// No transaction could be begun.
    #[error("no transaction was begun: {0}")]
    NotBegun(String),
    /// The transaction that the write was part of could not be committed.
    #[error("the transaction was not committed: {0}")]
    NotCommitted(String),
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
    /// The database was written by a later version of Assetmill.
    #[error(
        "its schema has version {found}, this program knows those up to {known}; \
         use the program that wrote it, or another folder with --data",
        known = MIGRATIONS.len()
    )]
    UnknownSchema {
        /// The version that was found.
        found: i64,
    },
}

impl DatabaseError {
    pub(super) fn of(self, dependency: &'static str) -> Unavailable {
        Unavailable::new(dependency, self)
    }
}

/// Does its work, unless no transaction could be begun, and keeps the answer until it is told how the
/// commit went.
type Job = Box<dyn FnOnce(Result<&Connection, &rusqlite::Error>) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Result<(), &rusqlite::Error>) + Send>;

/// A handle to the database. When the last one is gone, its threads end.
#[derive(Debug, Clone)]
pub(super) struct Database {
    writer: Sender<Job>,
    reader: Sender<Job>,
}

impl Database {
    pub(super) fn open(path: &Path) -> Result<Self, DatabaseError> {
        let mut writer = connect(path)?;
        migrate(&mut writer)?;
        let reader = connect(path)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(Self {
            writer: serve(writer, "BEGIN IMMEDIATE"),
            reader: serve(reader, "BEGIN DEFERRED"),
        })
    }

    /// Runs `work` in a transaction. After `Ok` its changes are on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        run(&self.writer, work).await
    }

    /// Runs `work`, which sees every write that was answered before.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        run(&self.reader, work).await
    }
}

fn connect(path: &Path) -> Result<Connection, DatabaseError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A 202 is a promise: it survives a power cut (https://sqlite.org/pragma.html#pragma_synchronous).
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Applies the migrations that were not, all or none.
fn migrate(connection: &mut Connection) -> Result<(), DatabaseError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let applied = usize::try_from(found)
        .ok()
        .filter(|applied| *applied <= MIGRATIONS.len())
        .ok_or(DatabaseError::UnknownSchema { found })?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in &MIGRATIONS[applied..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    Ok(transaction.commit()?)
}

async fn run<T: Send + 'static>(
    thread: &Sender<Job>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, DatabaseError> {
    let (answer, answered) = oneshot::channel();
    let job: Job = Box::new(move |connection| {
        let result = match connection {
            Ok(connection) => in_savepoint(connection, work).map_err(DatabaseError::Sqlite),
            Err(error) => Err(DatabaseError::NotBegun(error.to_string())),
        };
        Box::new(move |committed| {
            let result = match committed {
                Ok(()) => result,
                Err(error) => Err(DatabaseError::NotCommitted(error.to_string())),
            };
            // Nobody may be waiting any more.
            let _ = answer.send(result);
        })
    });
    thread.send(job).map_err(|_| DatabaseError::Closed)?;
    answered.await.map_err(|_| DatabaseError::Closed)?
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.execute_batch("SAVEPOINT job")?;
    let result = work(connection);
    if result.is_err() {
        connection.execute_batch("ROLLBACK TO job")?;
    }
    connection.execute_batch("RELEASE job")?;
    result
}

fn serve(connection: Connection, begin: &'static str) -> Sender<Job> {
    let (sender, jobs) = channel();
    thread::spawn(move || {
        while let Some(waiting) = next_jobs(&jobs) {
            share_transaction(&connection, begin, waiting);
        }
    });
    sender
}

/// The jobs that are waiting; `None` when there will be no more. They are taken before their
/// transaction begins: one that is sent later could miss a write that was answered in between.
fn next_jobs(jobs: &Receiver<Job>) -> Option<Vec<Job>> {
    let mut waiting = vec![jobs.recv().ok()?];
    waiting.extend(jobs.try_iter().take(MAX_SHARED - 1));
    Some(waiting)
}

fn share_transaction(connection: &Connection, begin: &str, jobs: Vec<Job>) {
    let opened = connection.execute_batch(begin);
    let in_transaction = opened.as_ref().map(|()| connection);
    let replies: Vec<_> = jobs.into_iter().map(|job| job(in_transaction)).collect();
    let committed = match opened {
        Ok(()) => connection.execute_batch("COMMIT"),
        Err(_) => Ok(()),
    };
    if committed.is_err() {
        // After a failed COMMIT the transaction may or may not be open.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for reply in replies {
        reply(committed.as_ref().map(|&()| ()));
    }
}

/// Tells whether the database answers.
#[derive(Debug, Clone)]
pub struct DatabaseProbe(Database);

impl DatabaseProbe {
    pub(super) fn new(database: Database) -> Self {
        Self(database)
    }
}

#[async_trait]
impl Probe for DatabaseProbe {
    fn dependency(&self) -> &'static str {
        "database"
    }

    async fn probe(&self) -> Result<(), Unavailable> {
        // Writes a page, as a query would not: a full disk has to fail here too.
        let write = |rows: &Connection| rows.pragma_update(None, "user_version", MIGRATIONS.len());
        let read = |rows: &Connection| {
            rows.query_row(
                "SELECT count(*) FROM batches WHERE batch_id = ''",
                [],
                |_| Ok(()),
            )
        };
        let probed = match self.0.write(write).await {
            Ok(()) => self.0.read(read).await,
            Err(error) => Err(error),
        };
        probed.map_err(|error| error.of(self.dependency()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of batches that an earlier version began, those are open that were sent and have not completed.
    #[test]
    fn flows_that_were_open_before_they_were_counted_are_counted() {
        let mut rows = Connection::open_in_memory().unwrap();
        let before = MIGRATIONS
            .iter()
            .take_while(|it| !it.contains("open_flows"));
        let mut applied = 0;
        for migration in before {
            rows.execute_batch(migration).unwrap();
            applied += 1;
        }
        rows.pragma_update(None, "user_version", applied).unwrap();
        for (id, tenant, size, dispatched, completed) in [
            ("1", "a", 3, Some(1), None),
            ("2", "a", 4, Some(1), None),
            ("3", "a", 5, None, None),
            ("4", "a", 6, Some(1), Some(2)),
            ("5", "b", 7, Some(1), None),
        ] {
            rows.execute(
                "INSERT INTO batches (batch_id, tenant, operation, params, size, created_at,
                    dispatched_at, completed_at)
                 VALUES (?1, ?2, 'copy', '{}', ?3, 0, ?4, ?5)",
                rusqlite::params![id, tenant, size, dispatched, completed],
            )
            .unwrap();
        }
        migrate(&mut rows).unwrap();
        let open = |tenant: &str| {
            let sql = "SELECT flows FROM open_flows WHERE tenant = ?1";
            rows.query_row(sql, [tenant], |row| row.get::<_, u64>(0))
        };
        assert_eq!((open("a"), open("b")), (Ok(7), Ok(7)));
        rows.execute("DELETE FROM batches WHERE batch_id IN ('1', '4')", [])
            .unwrap();
        assert_eq!(open("a"), Ok(4));
    }
}
