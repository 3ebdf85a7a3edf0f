//! What the operator lets an operation be asked for.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The most calls in a period, and at once, that a limit can name.
const MOST: u32 = 1_000_000;

/// What an operation may be asked for; without any, as much as there is to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most calls at the same time.
    pub concurrency: Option<NonZeroU32>,
    /// The most calls in a time.
    pub rate: Option<Rate>,
}

/// So many calls in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many: in no window of this length are there more.
    calls: NonZeroU32,
    /// In which time: a second, a minute or an hour.
    per: Duration,
    /// How many of them may be made at once; at most `calls`.
    burst: NonZeroU32,
}

/// The text is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLimits {
    /// The rate is not of the form `500/min`.
    #[error(
        "a rate is so many calls in a time, such as \"20/s\", \"500/min\" or \"5000/h\", from 1 to {MOST}"
    )]
    Rate,
    /// The number is none that a limit can have.
    #[error("{0} is a whole number from 1 to {MOST}")]
    Number(&'static str),
    /// More at once than in all.
    #[error("burst is more than the calls of the rate")]
    Burst,
    /// What a burst is one of is missing.
    #[error("burst needs a rate")]
    NoRate,
    /// The word is none that is known.
    #[error(
        "limits are rate, burst and concurrency, such as \"rate=500/min,burst=20,concurrency=20\", each at most once"
    )]
    Word,
}

impl Limits {
    /// Limits from what was said of each.
    ///
    /// # Errors
    /// [`NotLimits`] for a burst that has no rate, or is more than it.
    pub fn new(
        rate: Option<Rate>,
        burst: Option<NonZeroU32>,
        concurrency: Option<NonZeroU32>,
    ) -> Result<Self, NotLimits> {
        let rate = match (rate, burst) {
            (None, Some(_)) => return Err(NotLimits::NoRate),
            (Some(rate), Some(burst)) => Some(rate.with_burst(burst)?),
            (rate, None) => rate,
        };
        Ok(Self { concurrency, rate })
    }
}

/// `rate=500/min,burst=20,concurrency=20`, in any order; nothing at all is no limit.
impl FromStr for Limits {
    type Err = NotLimits;

    fn from_str(text: &str) -> Result<Self, NotLimits> {
        let (mut rate, mut burst, mut concurrency) = (None, None, None);
        for word in text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            let (name, value) = word.split_once('=').ok_or(NotLimits::Word)?;
            let value = value.trim();
            let again = match name.trim() {
                "rate" => rate.replace(value.parse()?).is_some(),
                "burst" => burst.replace(number("burst", value)?).is_some(),
                "concurrency" => concurrency.replace(number("concurrency", value)?).is_some(),
                _ => true,
            };
            if again {
                return Err(NotLimits::Word);
            }
        }
        Self::new(rate, burst, concurrency)
    }
}

fn number(name: &'static str, text: &str) -> Result<NonZeroU32, NotLimits> {
    let number: Option<NonZeroU32> = text.parse().ok();
    number
        .filter(|number| number.get() <= MOST)
        .ok_or(NotLimits::Number(name))
}

impl Rate {
    /// So many calls in a time, one after the other.
    pub fn new(calls: NonZeroU32, per: Duration) -> Self {
        Self {
            calls,
            per,
            burst: NonZeroU32::MIN,
        }
    }

    /// The same, with so many at once.
    ///
    /// # Errors
    /// [`NotLimits::Burst`] if that is more than there are.
    pub fn with_burst(self, burst: NonZeroU32) -> Result<Self, NotLimits> {
        if burst > self.calls {
            return Err(NotLimits::Burst);
        }
        Ok(Self { burst, ..self })
    }

    /// How many calls.
    pub fn calls(&self) -> NonZeroU32 {
        self.calls
    }

    /// In which time.
    pub fn per(&self) -> Duration {
        self.per
    }

    /// How many of them at once.
    pub fn burst(&self) -> NonZeroU32 {
        self.burst
    }
}

/// `500/min`: one after the other.
impl FromStr for Rate {
    type Err = NotLimits;

    fn from_str(text: &str) -> Result<Self, NotLimits> {
        let (calls, per) = text.split_once('/').ok_or(NotLimits::Rate)?;
        let calls = number("rate", calls.trim()).map_err(|_| NotLimits::Rate)?;
        let per = match per.trim() {
            "s" => SECOND,
            "min" => MINUTE,
            "h" => HOUR,
            _ => return Err(NotLimits::Rate),
        };
        Ok(Self::new(calls, per))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            SECOND => "s",
            MINUTE => "min",
            _ => "h",
        };
        write!(f, "{}/{per}", self.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        let limits: Limits = "rate=500/min, burst=20,concurrency=7".parse().unwrap();
        let rate = limits.rate.unwrap();
        assert_eq!((rate.calls().get(), rate.per()), (500, MINUTE));
        assert_eq!(rate.burst().get(), 20);
        assert_eq!(limits.concurrency.map(NonZeroU32::get), Some(7));
        assert_eq!(rate.to_string(), "500/min");
        assert_eq!("".parse(), Ok(Limits::default()));
    }

    #[test]
    fn broken_limits_are_none() {
        for (text, error) in [
            ("rate=0/s", NotLimits::Rate),
            ("rate=-5/s", NotLimits::Rate),
            ("rate=5", NotLimits::Rate),
            ("rate=5/day", NotLimits::Rate),
            ("rate=5000000/s", NotLimits::Rate),
            ("burst=5", NotLimits::NoRate),
            ("rate=4/s,burst=5", NotLimits::Burst),
            ("rate=4/s,burst=x", NotLimits::Number("burst")),
            ("concurrency=0", NotLimits::Number("concurrency")),
            ("rate=4/s,rate=5/s", NotLimits::Word),
            ("speed=4/s", NotLimits::Word),
            ("4/s", NotLimits::Word),
        ] {
            assert_eq!(text.parse::<Limits>(), Err(error), "{text}");
        }
    }
}
