//! What a folder of outputs knows of the runs that wrote it: a file to which lines are added, each before or after what it
//! tells of, so that the same command goes on wherever the last one was killed.

mod entry;
mod history;

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use assetmill_sqlite::private;

pub(crate) use entry::{Entry, Item, Job, Stamped, Written};
pub(crate) use history::{History, OpenChunk};

/// What the file is called, below the folder of outputs and `.assetmill`.
const FILE: &str = "runs.ndjson";

/// Why nothing can be noted.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file can't be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another run writes into the folder.
    #[error("another run is writing into {folder}; wait for it, or choose another folder with -o", folder = .0.display())]
    Held(PathBuf),
    /// A line is not understood.
    #[error("{path}:{line}: {reason}; a newer Assetmill may have written it", path = path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line.
        line: usize,
        /// Why not.
        reason: serde_json::Error,
    },
}

/// The journal of a folder, this process's alone for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Opens the journal in a folder, or makes it; and what it says.
    pub(crate) fn open(folder: &Path, out: &Path) -> Result<(Self, History), JournalError> {
        let path = folder.join(FILE);
        let failed = |source| JournalError::File {
            path: path.clone(),
            source,
        };
        private::create_dir_all(folder).map_err(failed)?;
        let mut file = File::options();
        let file = file.read(true).append(true).create(true).open(&path);
        let mut file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Held(out.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        // The last line may have been cut off with the process that wrote it.
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        let whole = whole.map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut history = History::default();
        let lines = text[..whole].split_inclusive(|byte| *byte == b'\n');
        for (number, line) in (1..).zip(lines) {
            let entry = serde_json::from_slice(line).map_err(|reason| JournalError::Line {
                path: path.clone(),
                line: number,
                reason,
            })?;
            history.add(entry);
        }
        let file = Mutex::new(file);
        Ok((Self { path, file }, history))
    }

    /// Adds a line. One that says what is about to be paid for is on the disk when this returns.
    pub(crate) fn note(&self, entry: &Entry) -> Result<(), JournalError> {
        let failed = |source| JournalError::File {
            path: self.path.clone(),
            source,
        };
        let mut line = serde_json::to_vec(entry).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).map_err(failed)?;
        if matches!(entry, Entry::Submitting { .. }) {
            file.sync_data().map_err(failed)?;
        }
        Ok(())
    }
}
