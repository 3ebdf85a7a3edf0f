//! What went wrong between Assetmill and another server.

use std::error::Error;

use super::Refused;

/// Why a request got no whole response. Messages hold no URL and no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportFailure {
    /// The name leads to an address that must not be reached. Nothing was sent.
    #[error("{0}")]
    Refused(String),
    /// No connection could be made: the name is unknown, nobody listens, TLS was not agreed on, or
    /// it took too long. Nothing was sent.
    #[error("no connection: {0}")]
    Connect(String),
    /// The time that the request was given ran out.
    #[error("no answer in time")]
    Timeout,
    /// The response broke off before it was whole.
    #[error("the response broke off: {0}")]
    Incomplete(String),
    /// Anything else; the request may have been sent.
    #[error("{0}")]
    Other(String),
}

impl From<Refused> for TransportFailure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.to_string())
    }
}

impl From<&reqwest::Error> for TransportFailure {
    fn from(error: &reqwest::Error) -> Self {
        if let Some(refused) = causes(error).find_map(|cause| cause.downcast_ref::<Refused>()) {
            Self::Refused(refused.to_string())
        } else if error.is_connect() {
            // Before the look at timeouts: connecting that took too long has sent nothing.
            Self::Connect(root_cause(error))
        } else if error.is_timeout() {
            Self::Timeout
        } else if error.is_body() || error.is_decode() {
            Self::Incomplete(root_cause(error))
        } else {
            Self::Other(root_cause(error))
        }
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The innermost cause: those around it name the URL, query string and all.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}
