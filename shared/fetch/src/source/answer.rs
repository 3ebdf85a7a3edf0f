//! What the answer of a source means.

use std::fmt;
use std::time::{Duration, SystemTime};

use assetmill_core::{AssetUrl, Failure, FailureCode, OperationError};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, LOCATION};
use http::{HeaderMap, StatusCode};
use reqwest::Response;

use super::MIB;
use crate::origins::{Bounce, Why};
use crate::{BodyFailure, TransportFailure, retry_after};

/// How long a fetch rests for which there is no memory: most are done by then.
const NO_ROOM: Duration = Duration::from_secs(1);

/// Content codings that change the bytes (IANA HTTP Content Coding Registry). Others, such as the
/// `aws-chunked` that S3 keeps from careless uploads, are labels on bytes that are as they should be.
const COMPRESSIONS: &[&str] = &[
    "br",
    "compress",
    "dcb",
    "dcz",
    "deflate",
    "exi",
    "gzip",
    "pack200-gzip",
    "x-compress",
    "x-gzip",
    "zstd",
];

/// How one request ended.
pub(super) enum Answer {
    Asset(Bytes),
    Elsewhere(AssetUrl),
    /// It did not say how large it is, and grew beyond what room there was.
    Grew,
}

/// Where a request went, as messages tell it: host and port, and never the path or the query,
/// which may hold a secret.
pub(super) struct Place(String);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Place {
    pub(super) fn of(url: &AssetUrl) -> Self {
        let url = url.as_url();
        let host = url.host_str().unwrap_or_default();
        Self(match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    }

    /// Judges a response by its head. `None` when its body is the asset.
    pub(super) fn judge(
        &self,
        url: &AssetUrl,
        response: &Response,
    ) -> Result<Option<Answer>, OperationError> {
        match response.status().as_u16() {
            200 | 203 => self.check_coding(response.headers()).map(|()| None),
            301 | 302 | 303 | 307 | 308 => {
                let next = self.redirect(url, response.headers())?;
                Ok(Some(Answer::Elsewhere(next)))
            }
            _ => Err(self.refusal(response.status(), response.headers())),
        }
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap) -> OperationError {
        let wait = retry_after(headers, SystemTime::now());
        match status.as_u16() {
            401 | 402 | 403 | 407 => OperationError::permanent(
                FailureCode::SourceDenied,
                format!(
                    "{self} answered {status}; use a URL that needs no login, such as a presigned \
                     one that has not expired"
                ),
            ),
            404 | 410 => OperationError::permanent(
                FailureCode::SourceNotFound,
                format!("{self} answered {status}; check the URL"),
            ),
            429 => self.throttled(status, wait),
            503 if wait.is_some() => self.throttled(status, wait),
            408 | 425 | 500..=599 => OperationError::transient(
                FailureCode::SourceUnavailable,
                format!("{self} answered {status}; try again later"),
            ),
            _ => OperationError::permanent(
                FailureCode::SourceRejected,
                format!("{self} answered {status}, not 200 with the asset; check the URL"),
            ),
        }
    }

    fn throttled(
        &self,
        status: StatusCode,
        retry_after: Option<std::time::Duration>,
    ) -> OperationError {
        let failure = Failure::transient(
            FailureCode::SourceThrottled,
            format!("{self} answered {status} and asks for fewer requests"),
        );
        OperationError::Throttled {
            failure,
            retry_after,
        }
    }

    /// All the memory for assets is taken. Others' turns end, so its own comes.
    pub(super) fn no_room(&self) -> OperationError {
        OperationError::Paced {
            failure: Failure::transient(
                FailureCode::SourceThrottled,
                format!("{self} has its turn once other assets are done with"),
            ),
            retry_after: NO_ROOM,
        }
    }

    /// What it means that the host is not asked now.
    pub(super) fn bounced(&self, bounce: Bounce) -> OperationError {
        let Bounce { why, retry_after } = bounce;
        let failure = |reason: &str| {
            Failure::transient(FailureCode::SourceThrottled, format!("{self} {reason}"))
        };
        match why {
            Why::Pace => OperationError::Paced {
                failure: failure(
                    "is asked by as many flows as it is to be asked by at a time; this one has its \
                     turn later",
                ),
                retry_after,
            },
            Why::Rest => OperationError::Throttled {
                failure: failure("has asked for fewer requests and is left alone for a while"),
                retry_after: Some(retry_after),
            },
        }
    }

    fn check_coding(&self, headers: &HeaderMap) -> Result<(), OperationError> {
        let codings = headers.get_all(CONTENT_ENCODING).iter();
        let compression = codings
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|coding| coding.trim().to_ascii_lowercase())
            .find(|coding| COMPRESSIONS.contains(&coding.as_str()));
        match compression {
            None => Ok(()),
            Some(coding) => Err(OperationError::permanent(
                FailureCode::SourceRejected,
                format!(
                    "{self} sent the asset with Content-Encoding {coding} though it was asked for \
                     identity; have it served uncompressed"
                ),
            )),
        }
    }

    fn redirect(&self, from: &AssetUrl, headers: &HeaderMap) -> Result<AssetUrl, OperationError> {
        let bad = |reason: String| {
            OperationError::permanent(
                FailureCode::SourceBadRedirect,
                format!("{self} redirects to where no asset can be fetched: {reason}"),
            )
        };
        let location = headers
            .get(LOCATION)
            .ok_or_else(|| bad("it sent no Location".to_owned()))?;
        let location = std::str::from_utf8(location.as_bytes())
            .map_err(|_| bad("its Location is not UTF-8".to_owned()))?;
        let next = from.as_url().join(location);
        let next = next.map_err(|error| bad(format!("its Location is no URL ({error})")))?;
        let next: AssetUrl = next.as_str().parse().map_err(bad)?;
        if next.is_upload() {
            return Err(bad(
                "only http and https URLs can be redirected to".to_owned()
            ));
        }
        Ok(next)
    }

    pub(super) fn transport(&self, failure: TransportFailure) -> OperationError {
        match failure {
            TransportFailure::Refused(reason) => OperationError::permanent(
                FailureCode::SourceRefused,
                format!(
                    "{reason}; use a public URL, or ask the operator to allow it with \
                     ASSETMILL_FETCH_ALLOW"
                ),
            ),
            TransportFailure::Unresolved(reason) => Self::persistent(format!(
                "{self} is not a name that leads anywhere ({reason}); check the URL, or try again later"
            )),
            TransportFailure::Tls(reason) => Self::persistent(format!(
                "{self} and Assetmill agree on no TLS ({reason}); check the scheme, the port and the \
                 certificate behind the URL"
            )),
            TransportFailure::NotHttp(reason) => Self::persistent(format!(
                "{self} gave no answer that is HTTP ({reason}); check the port of the URL"
            )),
            TransportFailure::Connect(reason) => OperationError::transient(
                FailureCode::SourceUnavailable,
                format!("{self} can't be reached ({reason}); check the URL, or try again later"),
            ),
            TransportFailure::Timeout => OperationError::transient(
                FailureCode::SourceTimeout,
                format!("{self} did not answer in time; try again later"),
            ),
            TransportFailure::Incomplete(reason) => OperationError::transient(
                FailureCode::SourceIncomplete,
                format!("{self} broke off before the whole asset was there ({reason})"),
            ),
            TransportFailure::Other(reason) => OperationError::transient(
                FailureCode::SourceUnavailable,
                format!("{self} gave no whole answer ({reason}); try again later"),
            ),
        }
    }

    fn persistent(message: String) -> OperationError {
        OperationError::Persistent(Failure::transient(FailureCode::SourceUnavailable, message))
    }

    pub(super) fn body(&self, failure: BodyFailure) -> OperationError {
        match failure {
            BodyFailure::Transport(failure) => self.transport(failure),
            BodyFailure::TooLarge { limit } => OperationError::permanent(
                FailureCode::AssetTooLarge,
                format!(
                    "the asset at {self} is larger than {}; use a smaller one, or ask the operator \
                     to raise ASSETMILL_MAX_ASSET_BYTES or the asset_bytes of your tenant",
                    Size(limit)
                ),
            ),
        }
    }

    pub(super) fn empty(&self) -> OperationError {
        OperationError::permanent(
            FailureCode::AssetEmpty,
            format!("{self} sent an asset of 0 bytes; check the file behind the URL"),
        )
    }
}

/// A number of bytes, in MiB where that is not 0.
pub(super) struct Size(pub(super) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 / MIB {
            0 => write!(f, "{} bytes", self.0),
            whole if self.0.is_multiple_of(MIB) => write!(f, "{whole} MiB"),
            whole => write!(f, "{whole}.{} MiB", self.0 % MIB * 10 / MIB),
        }
    }
}
