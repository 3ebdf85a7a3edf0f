//! SQLite behind two threads: one that writes, one that reads.
//!
//! Writes that wait for each other share a transaction, so that many flows share one `fsync`; each
//! is answered after the commit, and one that fails takes nothing of the others with it. Before a thread, each tenant has a
//! line of its own.

mod lines;
mod shared_transaction;

use std::path::Path;
use std::time::Duration;

use assetmill_core::TenantId;
use assetmill_core::ports::{Probe, Unavailable};
use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

pub(crate) use lines::Whose;
use shared_transaction::{Access, Thread, serve, wait};

/// How long to wait for another process, such as a backup, that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// After how many pages of 4 KiB the log is moved into the database (<https://sqlite.org/wal.html#ckpt>): a page that many
/// transactions change is moved once. After a crash so much is read again, in some 10 ms.
const CHECKPOINT_PAGES: u32 = 4_000;
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
    include_str!("migrations/0019_one_tree_of_messages.sql"),
    include_str!("migrations/0020_due_endpoints.sql"),
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

/// A handle to the database. When the last one is gone, its threads end.
#[derive(Debug, Clone)]
pub(super) struct Database {
    writer: Thread,
    reader: Thread,
}

/// How many rows are written together of what may be many, where others wait for it: a few ms.
const WRITTEN_BESIDE_OTHERS: usize = 100;
/// The same where nobody else has written anything lately: whoever comes waits for it once.
const WRITTEN_ALONE: usize = 2_500;

impl Database {
    pub(super) fn open(path: &Path) -> Result<Self, DatabaseError> {
        let mut writer = connect(path)?;
        migrate(&mut writer)?;
        let reader = connect(path)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(Self {
            writer: serve(writer, Access::Write),
            reader: serve(reader, Access::Read),
        })
    }

    /// Runs `work` in a transaction. After `Ok` its changes are on the disk. It is run again from the beginning, after all
    /// that it did was undone, where a write beside it fails.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        self.write_for(Whose::Nobodys, 1, work).await
    }

    /// How many rows to write next of what may be many, so that others come between.
    pub(super) fn part(&self) -> usize {
        if self.writer.is_shared() {
            WRITTEN_BESIDE_OTHERS
        } else {
            WRITTEN_ALONE
        }
    }

    /// The same in a line of those whose it is, for so many rows: no more than a [part](Self::part).
    pub(super) async fn write_for<T: Send + 'static>(
        &self,
        whose: impl Into<Whose>,
        rows: usize,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        wait(&self.writer, whose.into(), rows, work).await
    }

    /// Runs `work`, which sees every write that was answered before.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        wait(&self.reader, Whose::Nobodys, 1, work).await
    }

    /// The same in the line of a tenant, which `work` is told.
    pub(super) async fn read_for<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        work: impl Fn(&Connection, &TenantId) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (whose, tenant) = (tenant.into(), tenant.clone());
        let work = move |rows: &Connection| work(rows, &tenant);
        wait(&self.reader, whose, 1, work).await
    }
}

fn connect(path: &Path) -> Result<Connection, DatabaseError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A 202 is a promise: it survives a power cut (https://sqlite.org/pragma.html#pragma_synchronous).
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // Or a statement is planned anew whenever its LIMIT is another.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// A new database in memory, as a thread has one of a file.
#[cfg(test)]
pub(super) fn in_memory() -> Connection {
    let mut rows = connect(Path::new(":memory:")).unwrap();
    migrate(&mut rows).unwrap();
    rows
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
    use std::sync::{Arc, Mutex};

    use futures_util::future::join_all;

    use super::*;

    /// A database as the migrations made it that came before the first that says this.
    fn before(says: &str) -> Connection {
        let rows = Connection::open_in_memory().unwrap();
        let before = MIGRATIONS.iter().take_while(|it| !it.contains(says));
        let mut applied = 0;
        for migration in before {
            rows.execute_batch(migration).unwrap();
            applied += 1;
        }
        rows.pragma_update(None, "user_version", applied).unwrap();
        rows
    }

    /// Of batches that an earlier version began, those are open that were sent and have not completed.
    #[test]
    fn flows_that_were_open_before_they_were_counted_are_counted() {
        let mut rows = before("open_flows");
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

    /// What waits, what is held, and what a quarantine says of it.
    #[test]
    fn messages_are_what_they_were_after_they_came_into_one_tree() {
        let mut rows = before("messages_in_order");
        rows.execute_batch(
            "INSERT INTO messages
                (message_id, queue, body, visible_at, receives, tenant, together, deaths_alone)
             VALUES (3, 'flows', 'x', 30, 0, 'a', 1, 0), (5, 'flows', 'y', 20, 2, 'b', 1, 0),
                (9, 'quarantine', 'z', 10, 0, 'a', 7, 1)",
        )
        .unwrap();
        migrate(&mut rows).unwrap();
        let mut messages = rows
            .prepare(
                "SELECT concat_ws(' ', message_id, queue, body, visible_at, receives, tenant,
                    together, deaths_alone, received)
                 FROM messages ORDER BY message_id",
            )
            .unwrap();
        let messages = messages.query_map([], |row| row.get(0)).unwrap();
        let messages: Vec<String> = messages.collect::<rusqlite::Result<_>>().unwrap();
        let expected = [
            "3 flows x 30 0 a 1 0 0",
            "5 flows y 20 2 b 1 0 1",
            "9 quarantine z 10 0 a 7 1 0",
        ];
        assert_eq!(messages, expected);
    }

    /// Whoever asks for much at the same time stands in its own way.
    #[tokio::test]
    async fn a_tenant_that_asks_for_much_is_read_for_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("assetmill.db")).unwrap();
        let [many, few]: [TenantId; 2] = ["many", "few"].map(|name| name.parse().unwrap());
        let (go, gone) = std::sync::mpsc::channel::<()>();
        // The first read lasts until the others stand in line.
        let gone = Mutex::new(Some(gone));
        let done = Arc::new(Mutex::new(Vec::new()));
        let first = database.read(move |_| {
            if let Some(gone) = gone.lock().unwrap().take() {
                gone.recv().unwrap();
            }
            Ok(())
        });
        let read = |tenant: &TenantId| {
            let (database, done, tenant) = (database.clone(), done.clone(), tenant.clone());
            async move {
                let note = move |_: &Connection, tenant: &TenantId| {
                    done.lock().unwrap().push(tenant.to_string());
                    Ok(())
                };
                database.read_for(&tenant, note).await.unwrap();
            }
        };
        let of_many = join_all((0..50).map(|_| read(&many)));
        let of_few = read(&few);
        let release = async { go.send(()).unwrap() };
        let (first, _, (), ()) = tokio::join!(biased; first, of_many, of_few, release);
        first.unwrap();
        let done = done.lock().unwrap();
        assert_eq!(done.len(), 51);
        assert_eq!(done.iter().position(|tenant| tenant == "few"), Some(1));
    }

    #[tokio::test]
    async fn less_is_written_together_where_tenants_share() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("assetmill.db")).unwrap();
        let write = async |tenant: &str| {
            let tenant: TenantId = tenant.parse().unwrap();
            let written = database.write_for(&tenant, 1, |_| Ok(()));
            written.await.unwrap();
            database.part()
        };
        assert_eq!(write("a").await, WRITTEN_ALONE);
        assert_eq!(write("a").await, WRITTEN_ALONE);
        assert_eq!(write("b").await, WRITTEN_BESIDE_OTHERS);
    }
}
