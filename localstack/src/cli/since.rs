//! Since when.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// A time that has passed: `2026-01-31T09:30:00Z`, a day, or so long ago as `90m`, `24h` or `7d` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Since(Timestamp);

/// The text is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give a time such as 2026-01-31T09:30:00Z or 2026-01-31, or how long ago: 90m, 24h, 7d")]
pub(super) struct NotSince;

impl Since {
    /// As the API takes it.
    pub(super) fn text(self) -> String {
        self.0.to_string()
    }

    fn parse(text: &str, now: Timestamp) -> Result<Self, NotSince> {
        for (unit, seconds) in [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)] {
            let Some(number) = text.strip_suffix(unit) else {
                continue;
            };
            let number: u32 = number.parse().map_err(|_| NotSince)?;
            let ago = SignedDuration::from_secs(i64::from(number) * seconds);
            return now.checked_sub(ago).map(Self).map_err(|_| NotSince);
        }
        let time = text
            .parse()
            .or_else(|_| format!("{text}T00:00:00Z").parse());
        time.map(Self).map_err(|_| NotSince)
    }
}

impl FromStr for Since {
    type Err = NotSince;

    fn from_str(text: &str) -> Result<Self, NotSince> {
        Self::parse(text, Timestamp::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_time_or_so_long_ago() {
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        for (text, since) in [
            ("2026-01-31T09:30:00+01:00", "2026-01-31T08:30:00Z"),
            ("2026-01-30", "2026-01-30T00:00:00Z"),
            ("90m", "2026-01-31T10:30:00Z"),
            ("1d", "2026-01-30T12:00:00Z"),
        ] {
            assert_eq!(Since::parse(text, now).unwrap().text(), since);
        }
        for text in ["", "yesterday", "-1h", "h", "4294967295d"] {
            assert!(Since::parse(text, now).is_err(), "{text}");
        }
    }
}
