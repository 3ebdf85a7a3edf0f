//! Jobs that wait for each other share a transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::DatabaseError;
use super::lines::{Lines, Waiting, Whose};

/// The most rows that share a transaction: more are a job that has more.
const MAX_SHARED: usize = 256;
/// The same where several tenants share the thread, each of which waits for a transaction of the others: there is room for a
/// part of what is many, and for as much of others.
const MAX_OF_SEVERAL: usize = 200;
/// The most jobs that are put in line before one is done.
const LINED_UP: usize = 4_096;
/// Where so many writes shared a transaction, more are on their way: the next waits for them, for as long as this one
/// took. What a commit costs is much the same however much it writes. Who comes to an idle thread waits for nobody.
const BUSY_FROM: usize = 4;
/// The longest that a transaction waits for more writes.
const LONGEST_WAIT: Duration = Duration::from_millis(2);

/// What a thread does with its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Work that is done within a transaction, and answered after it.
pub(super) trait Job: Send {
    /// Does the work, and keeps what came of it for the answer. Does all of it again if it is called again. Whether it
    /// succeeded.
    fn run(&mut self, rows: &Connection) -> bool;

    /// Tells how the work went, if it was done and its transaction committed.
    fn answer(self: Box<Self>, transaction: &Result<(), Failed>);
}

/// Why a transaction changed nothing.
#[derive(Debug)]
pub(super) enum Failed {
    NotBegun(rusqlite::Error),
    NotCommitted(rusqlite::Error),
}

struct Awaited<T, F> {
    work: F,
    done: Option<rusqlite::Result<T>>,
    answer: oneshot::Sender<Result<T, DatabaseError>>,
}

impl<T, F> Job for Awaited<T, F>
where
    T: Send,
    F: Fn(&Connection) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, rows: &Connection) -> bool {
        self.done.insert((self.work)(rows)).is_ok()
    }

    fn answer(self: Box<Self>, transaction: &Result<(), Failed>) {
        let result = match (transaction, self.done) {
            (Ok(()), Some(done)) => done.map_err(DatabaseError::Sqlite),
            (Ok(()), None) => Err(DatabaseError::Closed),
            (Err(Failed::NotBegun(error)), _) => Err(DatabaseError::NotBegun(error.to_string())),
            (Err(Failed::NotCommitted(error)), _) => {
                Err(DatabaseError::NotCommitted(error.to_string()))
            }
        };
        // Nobody may be waiting any more.
        let _ = self.answer.send(result);
    }
}

/// A thread that does what is sent to it. Clones are the same thread; it ends when the last is gone.
#[derive(Debug, Clone)]
pub(super) struct Thread {
    jobs: Sender<Waiting<Box<dyn Job>>>,
    shared: Arc<AtomicBool>,
}

impl Thread {
    /// Whether several tenants had it do something lately.
    pub(super) fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }
}

/// Has a thread do `work`, which takes so many rows, and waits for what comes of it.
pub(super) async fn wait<T: Send + 'static>(
    thread: &Thread,
    whose: Whose,
    rows: usize,
    work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, DatabaseError> {
    let (answer, answered) = oneshot::channel();
    let done = None;
    let job = Box::new(Awaited { work, done, answer });
    thread
        .jobs
        .send(Waiting { whose, rows, job })
        .map_err(|_| DatabaseError::Closed)?;
    answered.await.map_err(|_| DatabaseError::Closed)?
}

/// Starts a thread on a connection.
pub(super) fn serve(connection: Connection, access: Access) -> Thread {
    let (sender, jobs) = channel();
    let shared = Arc::<AtomicBool>::default();
    let thread = Thread {
        jobs: sender,
        shared: shared.clone(),
    };
    thread::spawn(move || {
        let mut lines = Lines::new();
        let mut wait = Duration::ZERO;
        while let Some(mut next) = next_jobs(&jobs, &mut lines, access, wait) {
            shared.store(lines.are_shared(), Ordering::Relaxed);
            let begun = Instant::now();
            let transaction = share(&connection, access, &mut next);
            let busy = access == Access::Write && next.len() >= BUSY_FROM;
            wait = if busy {
                begun.elapsed().min(LONGEST_WAIT)
            } else {
                Duration::ZERO
            };
            for job in next {
                job.answer(&transaction);
            }
        }
    });
    thread
}

/// The jobs whose turn it is among those that are waiting, and those that come within `wait` of the first, unless the first
/// was waited for; `None` when there will be no more. They are taken before their transaction begins: one that is sent
/// later could miss a write that was answered in between.
fn next_jobs(
    jobs: &Receiver<Waiting<Box<dyn Job>>>,
    lines: &mut Lines<Box<dyn Job>>,
    access: Access,
    wait: Duration,
) -> Option<Vec<Box<dyn Job>>> {
    let mut was_idle = false;
    if lines.count() == 0 {
        let begun = Instant::now();
        lines.push(jobs.recv().ok()?);
        was_idle = begun.elapsed() > LONGEST_WAIT;
    }
    let line_up = |lines: &mut Lines<_>| {
        let more = jobs.try_iter().take(LINED_UP);
        more.for_each(|waiting| lines.push(waiting));
        match access {
            // One of each: what is read together is answered together.
            Access::Read => lines.count(),
            Access::Write if lines.are_shared() => MAX_OF_SEVERAL,
            Access::Write => MAX_SHARED,
        }
    };
    let mut most = line_up(lines);
    if !was_idle && !wait.is_zero() && lines.rows() < most {
        thread::sleep(wait);
        most = line_up(lines);
    }
    Some(lines.next(most))
}

/// Runs all jobs in one transaction. Writes that fail are rare, so nothing is prepared for one: all are undone then, and
/// run again apart from each other.
fn share(rows: &Connection, access: Access, jobs: &mut [Box<dyn Job>]) -> Result<(), Failed> {
    begin(rows, access)?;
    match access {
        Access::Read => {
            for job in jobs {
                job.run(rows);
            }
        }
        Access::Write => {
            // Some errors end the transaction (https://sqlite.org/lang_transaction.html), also where a job makes do with one.
            if !jobs
                .iter_mut()
                .all(|job| job.run(rows) && !rows.is_autocommit())
            {
                roll_back(rows);
                begin(rows, access)?;
                run_apart(rows, jobs)?;
            }
        }
    }
    let committed = execute(rows, "COMMIT").map_err(Failed::NotCommitted);
    if committed.is_err() {
        roll_back(rows);
    }
    committed
}

fn begin(rows: &Connection, access: Access) -> Result<(), Failed> {
    if !rows.is_autocommit() {
        roll_back(rows);
    }
    let begin = match access {
        Access::Read => "BEGIN DEFERRED",
        Access::Write => "BEGIN IMMEDIATE",
    };
    execute(rows, begin).map_err(Failed::NotBegun)
}

/// Each in a savepoint, so that one that fails takes nothing of the others with it.
fn run_apart(rows: &Connection, jobs: &mut [Box<dyn Job>]) -> Result<(), Failed> {
    for job in jobs {
        let ran = execute(rows, "SAVEPOINT job").and_then(|()| {
            if !job.run(rows) {
                execute(rows, "ROLLBACK TO job")?;
            }
            execute(rows, "RELEASE job")
        });
        if let Err(error) = ran {
            roll_back(rows);
            return Err(Failed::NotCommitted(error));
        }
    }
    Ok(())
}

/// It may not be open: some errors end a transaction (<https://sqlite.org/lang_transaction.html>).
fn roll_back(rows: &Connection) {
    let _ = execute(rows, "ROLLBACK");
}

fn execute(rows: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    rows.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = oneshot::Receiver<Result<usize, DatabaseError>>;

    fn job(sql: &'static str) -> (Box<dyn Job>, Answer) {
        let (answer, answered) = oneshot::channel();
        let work = move |rows: &Connection| {
            let written = rows.execute(sql, [])?;
            // A second statement, so that there is something to undo where it fails.
            rows.execute("INSERT INTO twice SELECT n FROM notes WHERE n < 0", [])?;
            Ok(written)
        };
        let done = None;
        (Box::new(Awaited { work, done, answer }), answered)
    }

    /// A database for the jobs.
    fn no_notes() -> Connection {
        let rows = Connection::open_in_memory().unwrap();
        rows.execute_batch(
            "CREATE TABLE notes (n INTEGER);
             CREATE TABLE twice (n INTEGER CHECK (n >= 0))",
        )
        .unwrap();
        rows
    }

    fn notes(rows: &Connection) -> Vec<i64> {
        let mut notes = rows.prepare("SELECT n FROM notes ORDER BY n").unwrap();
        let notes = notes.query_map([], |row| row.get(0)).unwrap();
        notes.collect::<rusqlite::Result<_>>().unwrap()
    }

    /// The second writes a row and fails then; the others are run twice, and leave one row each.
    #[test]
    fn a_write_that_fails_takes_nothing_of_others_with_it_and_leaves_nothing() {
        let rows = no_notes();
        let (mut jobs, answers): (Vec<_>, Vec<_>) = [
            job("INSERT INTO notes VALUES (1)"),
            job("INSERT INTO notes VALUES (-2)"),
            job("INSERT INTO notes VALUES (3)"),
        ]
        .into_iter()
        .unzip();
        let transaction = share(&rows, Access::Write, &mut jobs);
        for job in jobs {
            job.answer(&transaction);
        }
        assert_eq!(notes(&rows), [1, 3]);
        let went = answers.into_iter().map(|it| it.blocking_recv().unwrap());
        assert_eq!(
            went.map(|it| it.is_ok()).collect::<Vec<_>>(),
            [true, false, true]
        );
        assert!(rows.is_autocommit(), "the transaction ended");
    }

    /// As SQLite does by itself where the disk fails, and a job makes do with what it has.
    #[test]
    fn what_comes_after_the_end_of_a_transaction_is_not_written_outside_of_it() {
        let rows = no_notes();
        let (answer, _answered) = oneshot::channel();
        let work = |rows: &Connection| {
            let _ = rows.execute_batch("ROLLBACK");
            Ok(())
        };
        let done = None;
        let ends: Box<dyn Job> = Box::new(Awaited { work, done, answer });
        let (note, answer) = job("INSERT INTO notes VALUES (1)");
        let mut jobs = vec![ends, note];
        let transaction = share(&rows, Access::Write, &mut jobs);
        for job in jobs {
            job.answer(&transaction);
        }
        assert!(answer.blocking_recv().unwrap().is_err());
        assert_eq!(notes(&rows), Vec::<i64>::new());
        assert!(rows.is_autocommit());
    }

    #[test]
    fn who_can_not_begin_tells_all_of_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || Connection::open(file.path()).unwrap();
        let (rows, other) = (open(), open());
        rows.busy_timeout(Duration::ZERO).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (job, answer) = job("INSERT INTO notes VALUES (1)");
        let mut jobs = vec![job];
        let transaction = share(&rows, Access::Write, &mut jobs);
        jobs.remove(0).answer(&transaction);
        let told = answer.blocking_recv().unwrap();
        assert!(matches!(told, Err(DatabaseError::NotBegun(_))), "{told:?}");
    }
}
