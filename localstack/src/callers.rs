//! Who may call, kept in a file.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use assetmill_api::caller::BadKeys;
use assetmill_api::{BadCallers, Callers, CallersSource};
use assetmill_core::ports::Unavailable;
use async_trait::async_trait;

/// What the file is called in the folder of the data.
pub const FILE: &str = "callers.toml";
/// How long a change may go unnoticed.
const READ_EVERY: Duration = Duration::from_secs(1);

/// Why a file does not say who may call.
#[derive(Debug, thiserror::Error)]
pub enum CallersError {
    /// The API keys are wrong.
    #[error("--api-keys: {0}")]
    ApiKeys(#[from] BadKeys),
    /// It can't be read.
    #[error("{path} can't be read: {source}; name another with --callers", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is broken.
    #[error("{path}: {fault}", path = path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Where, and what would be right.
        fault: BadCallers,
    },
    /// Keys are given as well.
    #[error(
        "{path} says who may call, and so does --api-keys (ASSETMILL_API_KEYS): leave that out, or move the file",
        path = .0.display()
    )]
    Twice(PathBuf),
}

/// The callers of a file, which is looked at again while they call.
///
/// # Errors
/// [`CallersError`] where it can't be read, or is broken.
pub fn in_file(path: PathBuf) -> Result<Callers, CallersError> {
    let text = read(&path)?;
    let source = Box::new(CallersFile(path.clone()));
    Callers::kept_and_read(source, READ_EVERY, text)
        .map_err(|fault| CallersError::Broken { path, fault })
}

/// The text of a file of callers.
///
/// # Errors
/// [`CallersError`] where it can't be read.
pub(crate) fn read(path: &PathBuf) -> Result<String, CallersError> {
    std::fs::read_to_string(path).map_err(|source| CallersError::File {
        path: path.clone(),
        source,
    })
}

struct CallersFile(PathBuf);

#[async_trait]
impl CallersSource for CallersFile {
    async fn read(&self) -> Result<String, Unavailable> {
        let read = tokio::fs::read_to_string(&self.0).await;
        read.map_err(|error| Unavailable::new("callers", error))
    }
}
