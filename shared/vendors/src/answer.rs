//! What a vendor's answer, or its absence, means.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use assetmill_core::{Failure, FailureCode, OperationError};
use assetmill_fetch::{BodyFailure, TransportFailure, retry_after};

use super::classify::Class;
use super::place::Place;
use super::profile::Profile;
use super::response::Response;
use super::secrets::Secrets;

/// The most characters of a vendor's own message that are passed on.
const MAX_MESSAGE_CHARS: usize = 200;
/// A time to come back at that is larger than this is a date, in seconds since 1970, and no wait.
const LONGEST_WAIT_IN_SECONDS: u64 = 1_000_000_000;

impl Response {
    /// What an answer that is no success means: what the profile says of its code or status, or else
    /// what HTTP does (RFC 9110, section 15; RFC 6585 for 429).
    pub(super) fn error(&self, profile: &Profile, secrets: &Secrets) -> OperationError {
        let said = self.said(profile, secrets);
        let answered = |advice: &str| {
            let status = self.status.as_u16();
            match &said {
                Some(said) => format!("the vendor answered {status}: {said}{advice}"),
                None => format!("the vendor answered {status}{advice}"),
            }
        };
        let throttled = |retry_after| OperationError::Throttled {
            failure: Failure::transient(FailureCode::VendorThrottled, answered("")),
            retry_after,
        };
        let retry_after = self.retry_after(profile);
        if let Some(class) = profile.classify.class_of(self, &profile.error.code) {
            return match class {
                Class::Retry if retry_after.is_some() => throttled(retry_after),
                Class::Retry => {
                    OperationError::transient(FailureCode::VendorUnavailable, answered(""))
                }
                Class::Final => {
                    OperationError::permanent(FailureCode::VendorRejected, answered(""))
                }
                Class::Moderation => {
                    OperationError::permanent(FailureCode::VendorModerated, answered(""))
                }
                Class::Account => OperationError::permanent(
                    FailureCode::VendorDenied,
                    answered(&account(secrets)),
                ),
            };
        }
        match self.status.as_u16() {
            429 => throttled(retry_after),
            503 if retry_after.is_some() => throttled(retry_after),
            // A gateway speaks for a vendor that may have gone on, and charged (RFC 9110, 15.6.3 and
            // 15.6.5); 408 does not tell how much of the request was taken.
            408 | 502 | 504 => OperationError::Unconfirmed(Failure::transient(
                FailureCode::VendorUnavailable,
                answered(""),
            )),
            500..=599 => OperationError::transient(FailureCode::VendorUnavailable, answered("")),
            401..=403 => {
                OperationError::permanent(FailureCode::VendorDenied, answered(&account(secrets)))
            }
            // A success that the profile does not take for one.
            200..=299 | 400..=499 => {
                OperationError::permanent(FailureCode::VendorRejected, answered(""))
            }
            _ => OperationError::permanent(
                FailureCode::VendorResponseInvalid,
                answered("; give the catalogue a URL that answers with the result"),
            ),
        }
    }

    /// How long the vendor asks to be left alone, by `Retry-After` or by where it reports its limits.
    pub(super) fn retry_after(&self, profile: &Profile) -> Option<Duration> {
        let now = SystemTime::now();
        retry_after(&self.headers, now).or_else(|| {
            let reset = profile.rate.reset.as_ref()?.text_in(self)?;
            let reset: u64 = reset.trim().parse().ok()?;
            if reset < LONGEST_WAIT_IN_SECONDS {
                return Some(Duration::from_secs(reset));
            }
            let date = UNIX_EPOCH.checked_add(Duration::from_secs(reset))?;
            Some(date.duration_since(now).unwrap_or_default())
        })
    }

    /// The vendor's own words, fit to be shown.
    pub(super) fn said(&self, profile: &Profile, secrets: &Secrets) -> Option<String> {
        let at = |places: &[Place]| {
            let text = places.iter().find_map(|place| place.text_in(self))?;
            Some(presentable(&text, secrets)).filter(|text| !text.is_empty())
        };
        match (at(&profile.error.message), at(&profile.error.code)) {
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
    secrets.mask(&clean, MAX_MESSAGE_CHARS)
}

/// What a request that got no answer means.
pub(super) fn not_sent_or_unconfirmed(
    secrets: &Secrets,
    failure: &TransportFailure,
) -> OperationError {
    let reason = presentable(&failure.to_string(), secrets);
    match failure {
        TransportFailure::Refused(_) => vendor_refused_by_guard(),
        TransportFailure::Unresolved(_) | TransportFailure::Tls(_) => {
            OperationError::Persistent(Failure::transient(
                FailureCode::VendorUnavailable,
                format!("the vendor can't be reached: {reason}"),
            ))
        }
        TransportFailure::Connect(_) => OperationError::transient(
            FailureCode::VendorUnavailable,
            format!("the vendor can't be reached: {reason}"),
        ),
        TransportFailure::Timeout => timed_out("the vendor did not answer in time"),
        TransportFailure::NotHttp(_)
        | TransportFailure::Incomplete(_)
        | TransportFailure::Other(_) => OperationError::Unconfirmed(Failure::transient(
            FailureCode::VendorUnavailable,
            format!("the vendor broke off: {reason}"),
        )),
    }
}

/// What an answer that did not come in time means.
pub(super) fn timed_out(message: impl Into<String>) -> OperationError {
    OperationError::Unconfirmed(Failure::transient(FailureCode::VendorTimeout, message))
}

/// The failure of a call that is not made again, because it may have been charged.
pub(super) fn maybe_charged(mut failure: Failure) -> Failure {
    failure.message.push_str(
        "; it may have been charged, so it is not sent again by itself (resend = \"always\" would)",
    );
    failure
}

/// Why it can't be learnt what became of a call.
pub(super) fn not_looked_up(said: &Failure) -> Failure {
    Failure::transient(
        FailureCode::VendorUnconfirmed,
        format!(
            "the call of the vendor was broken off, and the vendor can't be asked what became of it: {}",
            said.message
        ),
    )
}

/// What a success whose body can't be read means.
pub(super) fn unreadable(secrets: &Secrets, failure: BodyFailure) -> OperationError {
    match failure {
        BodyFailure::TooLarge { limit } => OperationError::permanent(
            FailureCode::VendorResponseInvalid,
            format!("the vendor's answer is larger than {limit} bytes"),
        ),
        BodyFailure::Transport(failure) => not_sent_or_unconfirmed(secrets, &failure),
    }
}

/// The guard does not let the vendor be reached.
pub(super) fn vendor_refused_by_guard() -> OperationError {
    OperationError::permanent(
        FailureCode::OperationUnavailable,
        "the vendor's host leads to an address that is not public; the operator can let it through \
         with ASSETMILL_VENDOR_ALLOW",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SecretName;

    fn secrets() -> Secrets {
        Secrets::look_up([SecretName::Env("KEY".to_owned())], &|_| {
            Some("hunter2".to_owned())
        })
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
