//! Why a call has no result.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use url::Url;

/// Where a request goes can't be reached, or did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(Box<dyn std::error::Error + Send + Sync>);

impl Unreachable {
    /// One for this reason.
    pub fn new(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

/// A refusal, as the API tells it (RFC 9457). What it does not name is the default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, for programs.
    pub code: String,
    /// What went wrong and what would be right, for people.
    pub detail: String,
    /// Which part of the request body is meant, as a JSON pointer (RFC 6901).
    pub pointer: Option<String>,
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers.
    #[error("{server} does not answer: {source}; is Assetmill there?")]
    Unreachable {
        /// Where it should be.
        server: Url,
        /// Why not.
        source: Unreachable,
    },
    /// The API refused the request.
    #[error("{problem}")]
    Refused {
        /// In its own words.
        problem: Problem,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// What answered is no Assetmill, or one that speaks otherwise.
    #[error("{server} answered {status} with something that is not Assetmill's: {reason}")]
    NotUnderstood {
        /// Where.
        server: Url,
        /// The HTTP status.
        status: StatusCode,
        /// What was expected and not there.
        reason: String,
    },
    /// What was asked for can't be said in a request.
    #[error("no request can be made of it: {0}")]
    Request(String),
}

impl ClientError {
    /// The refusal, if it is one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// Whether the same request may be answered otherwise in a while.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { problem, .. } => matches!(problem.status, 408 | 429 | 500 | 502..=504),
            Self::NotUnderstood { status, .. } => status.is_server_error(),
            Self::Request(_) => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        if let Some(pointer) = &self.pointer {
            write!(f, " (at {pointer})")?;
        }
        Ok(())
    }
}
