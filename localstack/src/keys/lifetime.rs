//! How long a key is taken.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// How long a key is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until then.
    Until(Timestamp),
    /// For so long, from when it is made.
    For(SignedDuration),
}

/// The text says neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "give a day or a time that is to come, such as 2027-01-01 or 2027-01-01T12:00:00Z, or 1 to 36500 days, such as 90d"
)]
pub struct NotALifetime;

impl Lifetime {
    /// When a key that is made at `now` ends.
    pub fn end(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Until(end) => end,
            Self::For(time) => now.saturating_add(time).unwrap_or(Timestamp::MAX),
        }
    }
}

impl FromStr for Lifetime {
    type Err = NotALifetime;

    fn from_str(text: &str) -> Result<Self, NotALifetime> {
        if let Some(days) = text.strip_suffix('d') {
            let days = days.parse().ok().filter(|days| (1..=36_500).contains(days));
            let days: i64 = days.ok_or(NotALifetime)?;
            return Ok(Self::For(SignedDuration::from_hours(24 * days)));
        }
        let time = text
            .parse()
            .or_else(|_| format!("{text}T00:00:00Z").parse());
        let time: Timestamp = time.map_err(|_| NotALifetime)?;
        // Nobody wants a key that is taken by nobody.
        if time <= Timestamp::now() {
            return Err(NotALifetime);
        }
        Ok(Self::Until(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_a_time_or_after_days() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (text, end) in [
            ("2999-01-01", "2999-01-01T00:00:00Z"),
            ("2999-01-01T12:00:00+02:00", "2999-01-01T10:00:00Z"),
            ("90d", "2026-04-01T00:00:00Z"),
        ] {
            let lifetime: Lifetime = text.parse().unwrap();
            assert_eq!(lifetime.end(now).to_string(), end);
        }
        for text in ["", "soon", "90", "0d", "-1d", "99999999d", "2020-01-01"] {
            assert!(text.parse::<Lifetime>().is_err(), "{text}");
        }
    }
}
