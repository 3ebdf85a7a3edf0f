//! Why a flow did not get its output.

mod shape;

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::OperationName;

macro_rules! failure_codes {
    ($($(#[$doc:meta])* $variant:ident => $text:literal,)*) => {
        /// The stable code of a failure. Clients may branch on it; codes are never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum FailureCode {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl FailureCode {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as it stands in JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

failure_codes! {
    /// The scheme of the URL is neither `http` nor `https`.
    UnsupportedScheme => "unsupported_scheme",
    /// The URL has a user name or a password in it.
    CredentialsInUrl => "credentials_in_url",
    /// The URL is too long.
    UrlTooLong => "url_too_long",
    /// The URL leads to an address that the service does not fetch from.
    SourceRefused => "source_refused",
    /// The source has no such asset (404, 410).
    SourceNotFound => "source_not_found",
    /// The source does not let Assetmill have the asset (401, 402, 403, 407).
    SourceDenied => "source_denied",
    /// The source answered with another status that is final.
    SourceRejected => "source_rejected",
    /// The source could not be reached, or answered that it is out of order.
    SourceUnavailable => "source_unavailable",
    /// The source did not send the whole asset in time.
    SourceTimeout => "source_timeout",
    /// The source broke off before the whole asset was there.
    SourceIncomplete => "source_incomplete",
    /// The source asked Assetmill to come back later.
    SourceThrottled => "source_throttled",
    /// The source redirected too often, or to something that is no URL.
    SourceBadRedirect => "source_bad_redirect",
    /// The asset has no bytes.
    AssetEmpty => "asset_empty",
    /// The asset has more bytes than are taken.
    AssetTooLarge => "asset_too_large",
    /// The asset has more pixels than are decoded, or the result would have more than are made or than
    /// its format holds.
    TooManyPixels => "too_many_pixels",
    /// By an estimate made before the work begins, the operation would take more memory or time on this
    /// asset than the operator lets one asset have.
    TooExpensive => "too_expensive",
    /// The content is not of a media type that the operation takes.
    UnsupportedMediaType => "unsupported_media_type",
    /// The content is of the right media type but can't be decoded.
    CorruptAsset => "corrupt_asset",
    /// The result can't be made in as few bytes as the request allows it.
    BudgetNotMet => "budget_not_met",
    /// The vendor refused this asset or these parameters.
    VendorRejected => "vendor_rejected",
    /// The vendor's rules on content do not allow this asset or these parameters.
    VendorModerated => "vendor_moderated",
    /// The vendor refused the operator's account: key, plan or credit.
    VendorDenied => "vendor_denied",
    /// The vendor could not be reached, or answered that it is out of order.
    VendorUnavailable => "vendor_unavailable",
    /// The vendor did not answer in time.
    VendorTimeout => "vendor_timeout",
    /// The call of the vendor was broken off, and it is not known whether it was charged.
    VendorUnconfirmed => "vendor_unconfirmed",
    /// The vendor asked Assetmill to come back later.
    VendorThrottled => "vendor_throttled",
    /// The vendor answered something that the catalogue did not declare.
    VendorResponseInvalid => "vendor_response_invalid",
    /// The catalogue no longer has the operation, or it lacks a secret.
    OperationUnavailable => "operation_unavailable",
    /// The operation stopped on this asset in a way that it should not.
    OperationCrashed => "operation_crashed",
    /// The operation took more memory or time on this asset than was set aside for it, and was stopped.
    OperationTooExpensive => "operation_too_expensive",
    /// The operation took longer than operations may: it is too slow for this asset, or the machine is
    /// too busy.
    OperationTimeout => "operation_timeout",
    /// Processing this flow stopped its worker again and again.
    WorkerCrashed => "worker_crashed",
    /// The flow waited for a vendor or a source longer than flows may wait.
    GaveUpWaiting => "gave_up_waiting",
}

/// The text is the code of no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the code of a failure")]
pub struct NotACode;

impl FromStr for FailureCode {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        let named = |code: &&Self| code.as_str() == text;
        Self::ALL.iter().find(named).copied().ok_or(NotACode)
    }
}

/// Why a flow failed, or why its last attempt did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened, for programs.
    pub code: FailureCode,
    /// What happened and what would be right, for people. MUST hold no secret.
    pub message: String,
    /// Whether the same request may succeed at another time.
    pub retryable: bool,
}

/// What kept an attempt from its output, and what may be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationError {
    /// Trying again would fail again.
    Permanent(Failure),
    /// Trying again may help. Costs an attempt.
    Transient(Failure),
    /// Trying again may help, but hardly soon: a name that nobody knows, a host that speaks another
    /// protocol. Costs an attempt, and settles a flow that a caller waits for.
    Persistent(Failure),
    /// Assetmill keeps itself from asking now, lest it ask too much of the other side: nothing was sent.
    /// Costs neither an attempt nor patience.
    Paced {
        /// Who is spared, and what it would be asked for.
        failure: Failure,
        /// When its turn comes. MUST be spread over the flows that are told, lest they come back at
        /// once.
        retry_after: Duration,
    },
    /// The other side asked for patience. Costs no attempt.
    Throttled {
        /// What the other side said.
        failure: Failure,
        /// How long it asked to be left alone; `None` when it did not say.
        retry_after: Option<Duration>,
    },
    /// The call was made and its end never learnt, so it may have been charged. Costs an attempt.
    Unconfirmed(Failure),
    /// As [`OperationError::Unconfirmed`], and the operation does not want the call made again unasked.
    Abandoned(Failure),
}

impl Failure {
    /// A failure that will not go away by itself.
    pub fn permanent(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retryable: false,
        }
    }

    /// A failure that may go away by itself.
    pub fn transient(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retryable: true,
        }
    }

    /// What its message has in common with those of other failures of its kind.
    pub fn shape(&self) -> String {
        shape::of_message(&self.message)
    }

    /// The failure of a flow whose workers died.
    pub fn worker_crashed() -> Self {
        Self::transient(
            FailureCode::WorkerCrashed,
            "processing this asset stopped its worker again and again; the operator's log says where",
        )
    }
}

impl OperationError {
    /// A [`OperationError::Permanent`] with a permanent failure.
    pub fn permanent(code: FailureCode, message: impl Into<String>) -> Self {
        Self::Permanent(Failure::permanent(code, message))
    }

    /// A [`OperationError::Transient`] with a transient failure.
    pub fn transient(code: FailureCode, message: impl Into<String>) -> Self {
        Self::Transient(Failure::transient(code, message))
    }

    /// The same, of a step of this name.
    #[must_use]
    pub fn of_step(mut self, name: &OperationName) -> Self {
        let (Self::Permanent(failure)
        | Self::Transient(failure)
        | Self::Persistent(failure)
        | Self::Unconfirmed(failure)
        | Self::Abandoned(failure)
        | Self::Paced { failure, .. }
        | Self::Throttled { failure, .. }) = &mut self;
        failure.message = format!("{name}: {}", failure.message);
        self
    }

    /// The failure behind the error.
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Permanent(failure)
            | Self::Transient(failure)
            | Self::Persistent(failure)
            | Self::Unconfirmed(failure)
            | Self::Abandoned(failure)
            | Self::Paced { failure, .. }
            | Self::Throttled { failure, .. } => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_they_are_called() {
        for code in FailureCode::ALL {
            assert_eq!(
                serde_json::to_value(code).unwrap(),
                serde_json::Value::from(code.as_str())
            );
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }
}
