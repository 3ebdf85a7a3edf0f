//! What is older than it is to be kept: it is not found any more, and is deleted in the background.
//!
//! A batch expires with all its flows once it is complete and was accepted long enough ago; what is not settled is
//! never deleted. Remembered work expires by itself. An output lives as long as a row names it. Messages need
//! nothing: whoever is handed one of a flow that is gone acknowledges it.

mod portions;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use assetmill_core::OutputKey;
use assetmill_core::ports::Unavailable;

use super::activity;
use super::database::Database;
use super::outputs::{FolderOutputs, blocking};
use super::retention::{Cutoff, Retention};

/// How many old outputs are looked at together: about as many keys are in memory.
const OUTPUTS: usize = 50_000;

/// Deletes what expired.
pub struct Expiry {
    database: Database,
    outputs: FolderOutputs,
    retention: Retention,
    /// Whether outputs were looked through since the process began: the one before may not have come so far.
    looked_through: AtomicBool,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Batches, all of them with their flows.
    pub batches: usize,
    /// Flows, those too whose batch was never accepted.
    pub flows: usize,
    /// Remembered work.
    pub works: usize,
    /// Outputs that no row names any more.
    pub outputs: usize,
}

impl Expiry {
    pub(super) fn new(database: Database, outputs: FolderOutputs, retention: Retention) -> Self {
        Self {
            database,
            outputs,
            retention,
            looked_through: AtomicBool::new(false),
        }
    }

    /// Deletes what has expired by now, a small portion at a time: whoever writes meanwhile waits for one of them at
    /// the most. It may be broken off at any time, and goes on the next.
    ///
    /// # Errors
    /// [`Unavailable`] when the database or the folder fails; what was deleted until then stays deleted.
    pub async fn run(&self) -> Result<Expired, Unavailable> {
        let gone = self.retention.cutoff();
        let mut expired = Expired::default();
        while let Some(deleted) = self
            .write(move |rows| portions::batches(rows, gone))
            .await?
        {
            expired.batches += deleted.batches;
            expired.flows += deleted.flows;
        }
        expired.flows += self.never_accepted(gone).await?;
        while let Some(deleted) = self.write(move |rows| portions::works(rows, gone)).await? {
            expired.works += deleted;
        }
        // Few, and nobody counts them.
        let oldest = activity::oldest(&self.retention);
        while self
            .write(move |rows| activity::delete_older(rows, oldest))
            .await?
            > 0
        {}
        let rows_went = expired != Expired::default();
        if rows_went || !self.looked_through.load(Ordering::Relaxed) {
            expired.outputs = self.unnamed_outputs().await?;
            self.looked_through.store(true, Ordering::Relaxed);
        }
        Ok(expired)
    }

    /// Deletes the flows of batches that were never accepted.
    async fn never_accepted(&self, gone: Cutoff) -> Result<usize, Unavailable> {
        let mut deleted = 0;
        let mut after = String::new();
        loop {
            let from = after.clone();
            let found = self.read(move |rows| portions::without_batch(rows, &from, gone));
            let Some(found) = found.await? else {
                return Ok(deleted);
            };
            for id in found.ids {
                loop {
                    let id = id.clone();
                    match self
                        .write(move |rows| portions::flows_of(rows, &id, gone))
                        .await?
                    {
                        0 => break,
                        some => deleted += some,
                    }
                }
            }
            after = found.looked_until;
        }
    }

    /// Deletes old outputs that no row names. A row that comes to name one meanwhile was written by somebody who
    /// stored it, or asked for it, meanwhile: then it is not old any more.
    async fn unnamed_outputs(&self) -> Result<usize, Unavailable> {
        let since = self.retention.stored_before();
        let outputs = self.outputs.clone();
        let parts = blocking(move || outputs.count_old(since)).await?;
        let parts = parts.div_ceil(OUTPUTS);
        let mut deleted = 0;
        for part in 0..parts {
            let outputs = self.outputs.clone();
            let old = blocking(move || outputs.old(since, part, parts)).await?;
            for key in self.unnamed(old).await? {
                let outputs = self.outputs.clone();
                let removed = blocking(move || outputs.remove_old(&key, since)).await?;
                deleted += usize::from(removed);
            }
        }
        Ok(deleted)
    }

    /// Those of the outputs that no row names.
    async fn unnamed(
        &self,
        mut outputs: HashSet<OutputKey>,
    ) -> Result<HashSet<OutputKey>, Unavailable> {
        for named_by in [portions::named_by_flows, portions::named_by_works] {
            let mut after = String::new();
            while !outputs.is_empty() {
                let from = after.clone();
                let Some(named) = self.read(move |rows| named_by(rows, &from)).await? else {
                    break;
                };
                for key in named.keys {
                    outputs.remove(&key);
                }
                after = named.looked_until;
            }
        }
        Ok(outputs)
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let written = self.database.write(work).await;
        written.map_err(|error| error.of("flows"))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let read = self.database.read(work).await;
        read.map_err(|error| error.of("flows"))
    }
}
