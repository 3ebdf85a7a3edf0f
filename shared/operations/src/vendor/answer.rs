//! What a vendor's answer, or its absence, means.

use std::time::SystemTime;

use assetmill_core::{Failure, FailureCode, Setback};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::profile::ErrorPlace;
use super::secrets::Secrets;
use crate::fetch::{BodyFailure, TransportFailure, retry_after};

/// The most characters of a vendor's own message that are passed on.
const MAX_MESSAGE_CHARS: usize = 200;

/// A vendor's answer, read.
pub(super) struct Answer<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Bytes,
    pub(super) now: SystemTime,
}

impl Answer<'_> {
    /// What an answer other than success means (RFC 9110, section 15; RFC 6585 for 429).
    pub(super) fn setback(&self, place: &ErrorPlace, secrets: &Secrets) -> Setback {
        let said = self.said(place, secrets);
        let answered = |advice: &str| {
            let status = self.status.as_u16();
            match &said {
                Some(said) => format!("the vendor answered {status}: {said}{advice}"),
                None => format!("the vendor answered {status}{advice}"),
            }
        };
        let retry_after = retry_after(self.headers, self.now);
        match self.status.as_u16() {
            429 => Setback::Throttled {
                failure: Failure::passing(FailureCode::VendorThrottled, answered("")),
                retry_after,
            },
            503 if retry_after.is_some() => Setback::Throttled {
                failure: Failure::passing(FailureCode::VendorThrottled, answered("")),
                retry_after,
            },
            // A gateway speaks for a vendor that may have gone on, and charged (RFC 9110, 15.6.3 and
            // 15.6.5); 408 does not tell how much of the request was taken.
            408 | 502 | 504 => Setback::Unconfirmed(Failure::passing(
                FailureCode::VendorUnavailable,
                answered(""),
            )),
            500..=599 => Setback::transient(FailureCode::VendorUnavailable, answered("")),
            401..=403 => Setback::lasting(FailureCode::VendorDenied, answered(&account(secrets))),
            400..=499 => Setback::lasting(FailureCode::VendorRejected, answered("")),
            _ => Setback::lasting(
                FailureCode::VendorResponseInvalid,
                answered("; give the catalogue a URL that answers with the result"),
            ),
        }
    }

    /// The vendor's own words, fit to be shown.
    pub(super) fn said(&self, place: &ErrorPlace, secrets: &Secrets) -> Option<String> {
        let document: Value = serde_json::from_slice(&self.body).ok()?;
        let at = |pointer: &Option<super::JsonPointer>| {
            let text = pointer.as_ref()?.text_in(&document)?;
            Some(presentable(&text, secrets)).filter(|text| !text.is_empty())
        };
        match (at(&place.message), at(&place.code)) {
            (Some(message), Some(code)) => Some(format!("{message} ({code})")),
            (message, code) => message.or(code),
        }
    }
}

fn account(secrets: &Secrets) -> String {
    let names: Vec<_> = secrets.names().collect();
    if names.is_empty() {
        return "; ask the operator to check the account with the vendor".to_owned();
    }
    format!(
        "; ask the operator to check the account behind {}",
        names.join(", ")
    )
}

/// Text of a vendor without control characters and secrets, cut to [`MAX_MESSAGE_CHARS`].
pub(super) fn presentable(text: &str, secrets: &Secrets) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    // Masked before it is cut, lest half a secret be left at the end.
    let masked = secrets.mask(&clean);
    match masked.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &masked[..end]),
        None => masked,
    }
}

/// What a request that got no answer means.
pub(super) fn not_sent_or_unconfirmed(secrets: &Secrets, failure: &TransportFailure) -> Setback {
    let reason = presentable(&failure.to_string(), secrets);
    match failure {
        TransportFailure::Refused(_) => vendor_refused_by_guard(),
        TransportFailure::Connect(_) => Setback::transient(
            FailureCode::VendorUnavailable,
            format!("the vendor can't be reached: {reason}"),
        ),
        TransportFailure::Timeout => Setback::Unconfirmed(Failure::passing(
            FailureCode::VendorTimeout,
            "the vendor did not answer in time",
        )),
        TransportFailure::Incomplete(_) | TransportFailure::Other(_) => {
            Setback::Unconfirmed(Failure::passing(
                FailureCode::VendorUnavailable,
                format!("the vendor broke off: {reason}"),
            ))
        }
    }
}

/// What a success whose body can't be read means.
pub(super) fn unreadable(secrets: &Secrets, failure: BodyFailure) -> Setback {
    match failure {
        BodyFailure::TooLarge { limit } => Setback::lasting(
            FailureCode::VendorResponseInvalid,
            format!("the vendor's answer is larger than {limit} bytes"),
        ),
        BodyFailure::Transport(failure) => not_sent_or_unconfirmed(secrets, &failure),
    }
}

/// The guard does not let the vendor be reached.
pub(super) fn vendor_refused_by_guard() -> Setback {
    Setback::lasting(
        FailureCode::OperationUnavailable,
        "the vendor's host leads to an address that is not public; the operator can let it through \
         with ASSETMILL_FETCH_ALLOW",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::look_up(["KEY".to_owned()], &|_| Some("hunter2".to_owned()))
    }

    #[test]
    fn a_vendors_words_are_cut_cleaned_and_masked() {
        let long = "é".repeat(300);
        assert_eq!(presentable(&long, &secrets()).chars().count(), 201);
        assert_eq!(
            presentable("a\r\nb\u{1b}[31m hun\u{0}ter2!", &secrets()),
            "ab[31m ***!"
        );
        let at_the_cut = format!("{}hunter2", "x".repeat(197));
        assert!(!presentable(&at_the_cut, &secrets()).contains("hun"));
    }
}
