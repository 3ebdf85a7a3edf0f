//! What a run has and knows, for all its parts.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use assetmill_client::Client;
use assetmill_core::Sha256Digest;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::journal::{History, Job, Journal};
use super::outputs::Outputs;
use super::report::Report;
use crate::cli::local_files::LocalFiles;

/// Flows that are begun and not settled, at the most: enough for anybody's workers, and few enough to ask about.
pub(super) const WINDOW: usize = 2_000;
/// How many MiB of files are sent at the same time; a larger one is sent alone.
pub(super) const UPLOADED_MIB: u32 = 256;

/// What a run has and knows, for all its parts.
pub(super) struct Running {
    pub(super) client: Client,
    pub(super) job: Job,
    /// The parameters as one text, of which works are known.
    pub(super) params: String,
    pub(super) journal: Journal,
    pub(super) history: History,
    /// What earlier runs left open: what, and where it goes.
    pub(super) open: HashSet<(String, String)>,
    /// What goes to a name as its source is now.
    pub(super) latest: Mutex<HashMap<String, String>>,
    pub(super) outputs: Outputs,
    /// What outputs may end in.
    pub(super) endings: Vec<&'static str>,
    pub(super) report: Report,
    /// Files are taken from here, where Assetmill is in this process.
    pub(super) files: Option<LocalFiles>,
    pub(super) retry_unconfirmed: bool,
    /// Room for flows that are not settled.
    pub(super) window: Semaphore,
    /// Room for files that are sent, in MiB.
    pub(super) uploads: Semaphore,
    /// Nothing more is begun.
    pub(super) stop: CancellationToken,
    /// Nothing works on flows any more, or nobody waits for it.
    pub(super) ended: CancellationToken,
}

impl Running {
    /// The digest of what is done to something.
    pub(super) fn work(&self, what: &str) -> String {
        Sha256Digest::of_parts([&self.job.operation[..], &self.params, what]).to_string()
    }

    /// Has this be what goes to a name.
    pub(super) fn is_latest(&self, name: &str, work: &str) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.insert(name.to_owned(), work.to_owned());
    }

    /// Whether something else goes to a name: its source has changed since this was begun.
    pub(super) fn is_superseded(&self, name: &str, work: &str) -> bool {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.get(name).is_some_and(|latest| latest != work)
    }

    /// How often flows are asked about: from, to.
    pub(super) fn polling(&self) -> (Duration, Duration) {
        match self.files {
            Some(_) => (Duration::from_millis(20), Duration::from_millis(500)),
            None => (Duration::from_millis(300), Duration::from_secs(5)),
        }
    }
}
