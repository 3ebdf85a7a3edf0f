//! Failures that are alike.

use std::fmt;
use std::str::FromStr;

use super::{Flow, Status};
use crate::Sha256Digest;

/// Names the failures that are alike: of one operation, at one step, with one code, and messages of one
/// [shape](crate::Failure::shape). The same everywhere and at any time; shown as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FailureGroupId(u64);

/// The text is not the id of a group of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a group of failures: ids are 16 lower-case hexadecimal digits")]
pub struct NotAFailureGroupId;

impl FailureGroupId {
    /// The group of a flow's failure; `None` unless it failed.
    pub fn of(flow: &Flow) -> Option<Self> {
        let Status::Failed { failure, .. } = &flow.status else {
            return None;
        };
        let digest = Sha256Digest::of_parts([
            flow.operation.as_str(),
            &flow.last_step().to_string(),
            failure.code.as_str(),
            &failure.shape(),
        ]);
        u64::from_str_radix(&digest.as_str()[..16], 16)
            .ok()
            .map(Self)
    }
}

impl FromStr for FailureGroupId {
    type Err = NotAFailureGroupId;

    fn from_str(text: &str) -> Result<Self, NotAFailureGroupId> {
        let is_id =
            text.len() == 16 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        let id = u64::from_str_radix(text, 16).ok().filter(|_| is_id);
        id.map(Self).ok_or(NotAFailureGroupId)
    }
}

impl fmt::Display for FailureGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for FailureGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_it_is_read() {
        for text in ["0000000000000000", "00ff00ff00ff00ff"] {
            assert_eq!(text.parse::<FailureGroupId>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "0",
            "00FF00FF00FF00FF",
            "+000000000000000",
            "00000000000000000",
        ] {
            assert_eq!(
                text.parse::<FailureGroupId>(),
                Err(NotAFailureGroupId),
                "{text}"
            );
        }
    }
}
