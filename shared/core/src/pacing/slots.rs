//! Which time comes next: one slot for each call, handed out in order.
//!
//! Two rules together. GCRA (ITU-T I.371, the "virtual scheduling algorithm"): slots are one interval apart but for
//! a burst. That alone lets a burst come on top of a full window, so that a vendor that counts strictly
//! would refuse; hence the second: a slot is a whole window after the one so many calls before it. For that, the
//! ends of chunks of past slots are kept, which costs less than a hundredth of the rate and keeps the row short.

use serde::{Deserialize, Serialize};

use super::Rate;

/// A time that was handed out: microseconds on the time line of its [`Gate`](super::Gate), which stands still while
/// nobody is admitted. It is no time of day: [`Gate::time_of`](super::Gate::time_of) tells that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub(super) i64);

/// Into how many chunks the past of a window is divided.
const CHUNKS: u32 = 96;
/// By how much windows are taken to be longer than they are, as a divisor: what a call needs from its slot to the
/// vendor is not always the same.
const GUARD: i64 = 50;

/// The slots that were handed out, as far as the next ones depend on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots {
    /// The theoretical arrival time of GCRA.
    #[serde(default)]
    arrival: i64,
    /// The last slot.
    #[serde(default)]
    last: i64,
    /// How many calls a chunk has.
    #[serde(default)]
    chunk: u32,
    /// How many calls were handed a slot since the current rate is known.
    #[serde(default)]
    count: u64,
    /// The end of the latest chunk, and how much earlier each before it ended, the latest first; in milliseconds.
    #[serde(default)]
    ends: Vec<i64>,
}

impl Slots {
    /// The next slot, not before `now`.
    pub(super) fn take(&mut self, rate: &Rate, now: i64) -> Slot {
        let calls = rate.calls().get();
        let window = micros(rate.per());
        let window = window + window / GUARD;
        let interval = (window / i64::from(calls)).max(1);
        let chunk = calls.div_ceil(CHUNKS);
        if self.chunk != chunk {
            // Another rate: what was handed out stays before what is.
            self.chunk = chunk;
            self.count = 0;
            self.ends.clear();
        }
        let at_once = interval.saturating_mul(i64::from(rate.burst().get()) - 1);
        let slot = now
            .max(self.last)
            .max(self.arrival.saturating_sub(at_once))
            .max(
                self.window_before(calls)
                    .map_or(i64::MIN, |end| end.saturating_add(window)),
            );
        self.arrival = self.arrival.max(slot).saturating_add(interval);
        self.last = slot;
        self.note(slot, calls);
        Slot(slot)
    }

    /// The last slot that was handed out.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// When the chunk ended that has the call so many before the next.
    fn window_before(&self, calls: u32) -> Option<i64> {
        let chunk = u64::from(self.chunk);
        let before = self.count.checked_sub(u64::from(calls))? / chunk;
        let latest = (self.count / chunk).checked_sub(1)?;
        let back = usize::try_from(latest.checked_sub(before)?).ok()?;
        let known = self.ends.get(..=back)?;
        let (end, earlier) = known.split_first()?;
        Some((end - earlier.iter().sum::<i64>()).saturating_mul(1_000))
    }

    fn note(&mut self, slot: i64, calls: u32) {
        self.count += 1;
        if !self.count.is_multiple_of(u64::from(self.chunk)) {
            return;
        }
        let end = slot.div_euclid(1_000) + 1;
        let before = std::mem::replace(self.ends.first_mut().unwrap_or(&mut 0), end);
        if self.ends.is_empty() {
            self.ends.push(end);
        } else {
            self.ends.insert(1, end - before);
        }
        self.ends.truncate((calls / self.chunk) as usize + 2);
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

    /// The most slots in any window.
    fn most_in_a_window(slots: &[i64], window: i64) -> usize {
        let within = |first: usize| {
            slots[first..]
                .iter()
                .take_while(move |s| **s < slots[first] + window)
        };
        (0..slots.len())
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
            let mut slots = Slots::default();
            let number = calls as usize * 20;
            let handed: Vec<_> = (0..number)
                .map(|_| slots.take(&rate, 1_000_000).0)
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
            let row = serde_json::to_string(&slots).unwrap();
            assert!(row.len() < 750, "{} bytes: {row}", row.len());
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
            let mut slots = Slots::default();
            let mut now = 0;
            let mut handed = Vec::new();
            for wait in waits {
                now += wait;
                let slot = slots.take(&rate, now).0;
                prop_assert!(slot >= now);
                prop_assert!(handed.last().is_none_or(|last| *last <= slot));
                handed.push(slot);
            }
            prop_assert!(most_in_a_window(&handed, micros(rate.per())) <= calls as usize);
        }
    }
}
