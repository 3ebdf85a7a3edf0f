//! What went wrong between Assetmill and another server.

use std::error::Error;
use std::io;

use super::Refused;
use super::resolver::Unresolved;

/// Why a request got no whole response. Messages hold no URL and no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportFailure {
    /// The name leads to an address that must not be reached. Nothing was sent.
    #[error("{0}")]
    Refused(String),
    /// The name of the host could not be resolved. Nothing was sent.
    #[error("no such name: {0}")]
    Unresolved(String),
    /// TLS was not agreed on. Nothing was sent.
    #[error("no TLS: {0}")]
    Tls(String),
    /// No connection could be made: nobody listens, or it took too long. Nothing was sent.
    #[error("no connection: {0}")]
    Connect(String),
    /// What was answered is not HTTP; the request was sent.
    #[error("not HTTP: {0}")]
    NotHttp(String),
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
        } else if causes(error).any(<dyn Error>::is::<Unresolved>) {
            Self::Unresolved(root_cause(error))
        } else if error.is_connect() && causes(error).any(is_of_tls) {
            Self::Tls(root_cause(error))
        } else if error.is_connect() {
            // Before the look at timeouts: connecting that took too long has sent nothing.
            Self::Connect(root_cause(error))
        } else if error.is_timeout() {
            Self::Timeout
        } else if !error.is_body() && causes(error).any(is_of_parsing) {
            Self::NotHttp(root_cause(error))
        } else if error.is_body() || error.is_decode() {
            Self::Incomplete(root_cause(error))
        } else {
            Self::Other(root_cause(error))
        }
    }
}

/// What rustls says comes as the content of I/O errors, which is not one of their causes. A connection that
/// ends while it is made ended in the handshake: TCP has no end to come to before.
fn is_of_tls(cause: &(dyn Error + 'static)) -> bool {
    let Some(error) = cause.downcast_ref::<io::Error>() else {
        return cause.is::<rustls::Error>();
    };
    error.kind() == io::ErrorKind::UnexpectedEof
        || error.get_ref().is_some_and(|content| is_of_tls(content))
}

/// What is no HTTP may come before the request was sent, as a greeting of another protocol does: hyper has
/// no question for that, but words.
fn is_of_parsing(cause: &(dyn Error + 'static)) -> bool {
    const BEFORE_REQUEST: &str = "received unexpected message from connection";
    cause
        .downcast_ref::<hyper::Error>()
        .is_some_and(|error| error.is_parse() || error.to_string() == BEFORE_REQUEST)
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
