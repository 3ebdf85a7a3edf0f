//! Times in JSON.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// A time as RFC 3339 in UTC with milliseconds: `2026-01-31T09:30:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(Timestamp);

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds() {
        let time = Time(Timestamp::from_second(1_769_851_800).unwrap());
        let json = serde_json::to_value(time).unwrap();
        assert_eq!(json, "2026-01-31T09:30:00.000Z");
    }
}
