//! When the next call may be made: the times of an operation's rate, one after the other.
//!
//! Two rules together. GCRA (ITU-T I.371, the "virtual scheduling algorithm"): turns are one interval apart but for
//! a burst. That alone lets a burst come on top of a full window, so that a vendor that counts strictly
//! would refuse; hence the second: a turn is a whole window after the one so many calls before it. For that, the
//! ends of chunks of past turns are kept, which costs a fiftieth of the rate at most and keeps the row short.
//!
//! Times are microseconds on the time line of a [`Gate`](super::Gate), which stands still while nobody is admitted.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Rate;

/// Into how many chunks the past of a window is divided.
const CHUNKS: u32 = 64;
/// Into how many it was divided by the version that [`Turns::until`] is for.
const OLD_CHUNKS: u32 = 96;
/// By how much windows are taken to be longer than they are, as a divisor: what a call needs from its turn to the
/// vendor is not always the same.
const GUARD: i64 = 50;

/// The turns that were used, as far as the next ones depend on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turns {
    /// The theoretical arrival time of GCRA.
    #[serde(default)]
    arrival: i64,
    /// The last turn.
    #[serde(default)]
    last: i64,
    /// How many calls a chunk has.
    #[serde(default)]
    chunk: u32,
    /// How many turns were used since the current rate is known.
    #[serde(default)]
    count: u64,
    /// When chunks ended, the latest first; in milliseconds.
    #[serde(default, with = "ends")]
    ends: VecDeque<i64>,
}

/// A rate, as turns are counted. In JSON `[calls, window, burst]`, which is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, i64, u32)", into = "(u32, i64, u32)")]
pub(super) struct Pace {
    calls: u32,
    window: i64,
    burst: u32,
    interval: i64,
    /// How much earlier than its interval a turn of a burst may be.
    at_once: i64,
    chunk: u32,
}

impl From<(u32, i64, u32)> for Pace {
    fn from((calls, window, burst): (u32, i64, u32)) -> Self {
        let interval = (window / i64::from(calls.max(1))).max(1);
        Self {
            calls,
            window,
            burst,
            interval,
            at_once: interval.saturating_mul(i64::from(burst) - 1),
            chunk: calls.div_ceil(CHUNKS).max(1),
        }
    }
}

impl From<Pace> for (u32, i64, u32) {
    fn from(pace: Pace) -> Self {
        (pace.calls, pace.window, pace.burst)
    }
}

impl From<&Rate> for Pace {
    fn from(rate: &Rate) -> Self {
        let window = micros(rate.per());
        let guarded = window + window / GUARD;
        Self::from((rate.calls().get(), guarded, rate.burst().get()))
    }
}

impl Pace {
    /// How long so many turns take at the least.
    pub(super) fn time_of(self, turns: i64) -> i64 {
        let time = turns.saturating_mul(self.interval);
        time.saturating_sub(self.at_once).max(0)
    }
}

impl Turns {
    /// The next turn, not before `from`.
    pub(super) fn next(&self, pace: Pace, from: i64) -> i64 {
        let window_after = |end: i64| end.saturating_add(pace.window);
        from.max(self.last)
            .max(self.arrival.saturating_sub(pace.at_once))
            .max(self.window_before(pace).map_or(i64::MIN, window_after))
    }

    /// Uses a turn, which MUST be the [`next`](Self::next).
    pub(super) fn use_at(&mut self, pace: Pace, at: i64) {
        if self.chunk == 0 {
            self.chunk = pace.chunk;
        }
        self.arrival = self.arrival.max(at).saturating_add(pace.interval);
        self.last = at;
        self.count += 1;
        if !self.count.is_multiple_of(u64::from(self.chunk)) {
            return;
        }
        self.ends.push_front(at.div_euclid(1_000) + 1);
        self.ends.truncate((pace.calls / self.chunk) as usize + 2);
    }

    /// Goes on at another rate: what was used stays before what is.
    pub(super) fn restart(&mut self) {
        self.chunk = 0;
        self.count = 0;
        self.ends.clear();
    }

    /// About when so many turns from then on are over.
    pub(super) fn after(&self, pace: Pace, from: i64, turns: i64) -> i64 {
        let first = from.max(self.arrival);
        first.saturating_add(turns.saturating_mul(pace.interval))
    }

    /// What of these was used until then, if some of them are yet to come.
    pub(super) fn until(mut self, pace: Pace, then: i64) -> Self {
        if self.chunk != pace.calls.div_ceil(OLD_CHUNKS) {
            // Of another rate.
            self.restart();
        }
        let is_over = |end: &i64| end.saturating_mul(1_000) <= then;
        let ends = self.ends.iter().copied().filter(is_over).collect();
        self.ends = ends;
        self.count = u64::from(self.chunk) * self.ends.len() as u64;
        self.last = self.last.min(then);
        // A burst may have been used just now.
        self.arrival = self.arrival.min(then.saturating_add(pace.at_once));
        self
    }

    /// When the chunk ended that has the call so many before the next.
    fn window_before(&self, pace: Pace) -> Option<i64> {
        let chunk = u64::from(self.chunk);
        let before = self.count.checked_sub(u64::from(pace.calls))?;
        let before = before.checked_div(chunk)?;
        let latest = (self.count / chunk).checked_sub(1)?;
        let back = usize::try_from(latest.checked_sub(before)?).ok()?;
        Some(self.ends.get(back)?.saturating_mul(1_000))
    }
}

/// In a row, the latest end, and how much earlier each before it was: that is short.
mod ends {
    use std::collections::VecDeque;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        ends: &VecDeque<i64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let earlier = ends.iter().zip(ends.iter().skip(1));
        let earlier = earlier.map(|(end, before)| end - before);
        serializer.collect_seq(ends.front().copied().into_iter().chain(earlier))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<VecDeque<i64>, D::Error> {
        let written = Vec::<i64>::deserialize(deserializer)?;
        let ends = written.into_iter().scan(None, |after, value| {
            let end = after.map_or(value, |after: i64| after.saturating_sub(value));
            *after = Some(end);
            Some(end)
        });
        Ok(ends.collect())
    }
}

pub(super) fn micros(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn rate(calls: u32, per: u64, burst: u32) -> Rate {
        let number = |number| NonZeroU32::new(number).unwrap();
        let rate = Rate::new(number(calls), Duration::from_secs(per));
        rate.with_burst(number(burst)).unwrap()
    }

    fn take(turns: &mut Turns, rate: &Rate, from: i64) -> i64 {
        let at = turns.next(rate.into(), from);
        turns.use_at(rate.into(), at);
        at
    }

    /// The most turns in any window.
    fn most_in_a_window(turns: &[i64], window: i64) -> usize {
        let within = |first: usize| {
            turns[first..]
                .iter()
                .take_while(move |s| **s < turns[first] + window)
        };
        (0..turns.len())
            .map(|first| within(first).count())
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn a_line_uses_its_quota_and_no_more() {
        // What is at hand at once at the beginning is left out: it is no more than the first window's.
        for (calls, per, burst) in [
            (60, 60, 1),
            (60, 60, 20),
            (97, 60, 40),
            (500, 60, 20),
            (20, 1, 5),
            (5_000, 3_600, 50),
        ] {
            let rate = rate(calls, per, burst);
            let mut turns = Turns::default();
            let number = calls as usize * 20;
            let handed: Vec<_> = (0..number)
                .map(|_| take(&mut turns, &rate, 1_000_000))
                .collect();
            let window = micros(rate.per());
            assert!(
                most_in_a_window(&handed, window) <= calls as usize,
                "{rate}"
            );
            // In hundredths of the quota.
            let took = handed[number - 1] - handed[0];
            let after_the_first = i64::try_from(number).unwrap() - i64::from(burst);
            let used = 100 * after_the_first * window / (took * i64::from(calls));
            assert!(used >= 95, "{rate} burst {burst}: {used} %");
            let row = serde_json::to_string(&turns).unwrap();
            assert!(row.len() < 750, "{} bytes: {row}", row.len());
            assert_eq!(serde_json::from_str::<Turns>(&row).unwrap(), turns);
        }
    }

    proptest! {
        #[test]
        fn no_window_has_more_than_the_rate(
            calls in 1_u32..200,
            burst in 1_u32..200,
            waits in prop::collection::vec(0_i64..3_000_000, 1..600),
        ) {
            let rate = rate(calls, 60, burst.min(calls));
            let mut turns = Turns::default();
            let mut now = 0;
            let mut used = Vec::new();
            for wait in waits {
                now += wait;
                let turn = take(&mut turns, &rate, now);
                prop_assert!(turn >= now);
                prop_assert!(used.last().is_none_or(|last| *last <= turn));
                used.push(turn);
            }
            prop_assert!(most_in_a_window(&used, micros(rate.per())) <= calls as usize);
        }
    }
}
