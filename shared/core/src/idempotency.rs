//! The names that callers give to their requests, so that one that is sent again is known
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Batch, Sha256Digest};

/// The name that a caller gave to a request: 1 to 255 characters of printable ASCII. It belongs to its tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

/// The text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("keys are 1 to {max} characters of printable ASCII", max = IdempotencyKey::MAX_BYTES)]
pub struct NotAKey;

impl IdempotencyKey {
    /// The most characters of a key, each of which is a byte.
    pub const MAX_BYTES: usize = 255;
    /// How long a key is kept, from when what it names was begun. Batches MUST be kept no less.
    pub const KEPT_FOR: Duration = Duration::from_hours(24);

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let printable = |c: u8| (0x20..=0x7e).contains(&c);
        ((1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(printable))
            .then(|| Self(text.to_owned()))
            .ok_or(NotAKey)
    }
}

impl From<Sha256Digest> for IdempotencyKey {
    fn from(digest: Sha256Digest) -> Self {
        Self(digest.to_string())
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyClaim {
    /// Of the request: its route and what it asked for. Equal requests have equal ones.
    pub fingerprint: Sha256Digest,
    /// The row of the batch as it was to be written first. All its flows are written; it may not be.
    pub batch: Batch,
}

impl KeyClaim {
    /// Whether the key is new again at this time.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.batch.created_at <= now - IdempotencyKey::KEPT_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_a_bound() {
        for right in ["a", "a b", "\"", &"k".repeat(255)] {
            assert!(right.parse::<IdempotencyKey>().is_ok(), "{right}");
        }
        for wrong in ["", "a\tb", "ä", "a\u{7f}", &"k".repeat(256)] {
            assert_eq!(wrong.parse::<IdempotencyKey>(), Err(NotAKey), "{wrong}");
        }
    }
}
