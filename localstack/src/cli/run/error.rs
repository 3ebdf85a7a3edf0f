//! Why nothing was run.

use assetmill_client::Problem;
use url::Url;

use super::journal::JournalError;
use super::names::SameName;
use super::params::NotAParameter;
use super::sources::SourceError;
use crate::cli::CliError;

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such operation.
    #[error("there is no operation {name}; there are {known}")]
    NoOperation {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// It lacks something.
    #[error("{name} can't run: {reason}")]
    Unavailable {
        /// The operation.
        name: String,
        /// What would help.
        reason: String,
    },
    /// A parameter is none.
    #[error(transparent)]
    Parameter(#[from] NotAParameter),
    /// The sources can't be told.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A source is none to whoever is to run it.
    #[error("{origin}: {problem}")]
    Refused {
        /// Which.
        origin: String,
        /// Why.
        problem: Problem,
    },
    /// A server answered other flows than it was asked for.
    #[error("{0} answered other flows than it was asked for: is it an Assetmill?")]
    WrongFlows(Url),
    /// Two outputs would have the same name.
    #[error(transparent)]
    SameName(#[from] SameName),
    /// Nothing can be noted.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

macro_rules! not_run {
    ($($error:ty),+) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::Run(error.into())
            }
        })+
    };
}

not_run!(NotAParameter, SameName, JournalError, SourceError);
