//! The lines of a journal.

use std::path::{Component, Path};
use std::time::{Duration, SystemTime};

use assetmill_client::FlowError;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::cli::local_files::Stamp;

/// A line of a journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A file is kept by a server.
    Uploaded {
        server: String,
        sha256: String,
        asset: String,
        expires_at: String,
    },
    /// A batch is about to be started, under this key.
    Submitting {
        chunk: String,
        #[serde(flatten)]
        job: Job,
        items: Vec<Item>,
    },
    /// It was started.
    Accepted {
        chunk: String,
        batch_id: String,
        flow_ids: Vec<String>,
    },
    /// An output is where it belongs.
    Written {
        chunk: String,
        index: usize,
        #[serde(flatten)]
        written: Written,
    },
    /// Its source had changed before it was done, and something else goes to its place.
    Superseded { chunk: String, index: usize },
    /// There will be no output.
    Failed {
        chunk: String,
        index: usize,
        error: FlowError,
        /// Whether somebody may have been paid for it.
        unconfirmed: bool,
    },
}

/// Where something is done, and what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) server: String,
    pub(crate) operation: String,
    pub(crate) params: Map<String, Value>,
}

/// A source, as it was when it was given away.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    /// The path, or the URL.
    pub(crate) source: String,
    /// The asset's URL for the API.
    pub(crate) asset: String,
    /// Of a file, how it was.
    #[serde(flatten)]
    pub(crate) file: Option<Stamped>,
    /// Where the output goes, without its ending.
    #[serde(deserialize_with = "below")]
    pub(crate) name: String,
    /// The digest of what is done to what.
    pub(crate) work: String,
}

/// What was in a file that was last changed then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamped {
    pub(crate) sha256: String,
    bytes: u64,
    /// In nanoseconds since 1970.
    modified: u64,
}

/// An output in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    /// The path below the folder of outputs.
    #[serde(deserialize_with = "below")]
    pub(crate) output: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// A path that leads nowhere but below: a folder may come from somebody else, and its journal with it.
fn below<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let path = String::deserialize(deserializer)?;
    let mut parts = Path::new(&path).components();
    if parts.all(|part| matches!(part, Component::Normal(_))) {
        return Ok(path);
    }
    let reason = format!("{path:?} leads out of the folder");
    Err(serde::de::Error::custom(reason))
}

impl Stamped {
    pub(crate) fn new(sha256: String, stamp: Stamp) -> Self {
        let since = stamp.modified.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            sha256,
            bytes: stamp.bytes,
            modified: since.map_or(0, |since| {
                u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
            }),
        }
    }

    pub(crate) fn stamp(&self) -> Stamp {
        Stamp {
            bytes: self.bytes,
            modified: SystemTime::UNIX_EPOCH + Duration::from_nanos(self.modified),
        }
    }
}
