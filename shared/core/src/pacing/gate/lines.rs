//! The lines of tenants before a gate, as time moves them on.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::{Gate, latest, micros, time};
use crate::pacing::lines::Served;
use crate::pacing::turns::Pace;
use crate::pacing::{LineId, Rate, Slot};

/// The most turns that are foreseen: whoever stands further behind is told of that one, and looks again then.
const FORESEEN: usize = 20_000;

const SECOND: i64 = 1_000_000;

impl Gate {
    /// Hands out the next place in each of these lines, in this order. Nobody who comes takes a turn from others within
    /// `notice`: until then, those who know an older gate may use it.
    pub fn take(
        &mut self,
        rate: &Rate,
        asks: &[LineId],
        notice: Duration,
        now: Timestamp,
    ) -> Vec<Slot> {
        self.meet(now);
        let now = now.as_microsecond();
        let pace = Pace::from(rate);
        let at = self.on_line(now);
        if let Some(handed_out) = self.handed_out.take() {
            self.turns = handed_out.until(pace, at);
        }
        let past = at.saturating_sub(latest(rate));
        self.lines.move_to(&mut self.turns, pace, past);
        // Nobody new is called before the vendor asked for it.
        let patience = self.throttled_until.map_or(0, |until| (until - now).max(0));
        let here = at.saturating_add(patience);
        let noticed = match micros(notice) {
            0 => here,
            // Whoever comes within the same second comes to the same line.
            notice => (here.saturating_add(notice) / SECOND + 1).saturating_mul(SECOND),
        };
        // Of what may still be looked at, some is past: lines that have nothing else wait no more.
        let (mut lines, mut turns) = (self.lines.clone(), self.turns.clone());
        lines.move_to(&mut turns, pace, at);
        let mut slots = Vec::with_capacity(asks.len());
        for (index, &id) in asks.iter().enumerate() {
            let waits = lines.last_of(id);
            let from = if lines.others_wait(id) { noticed } else { here };
            let follows = waits.is_some_and(|last| {
                from == here
                    || asks[..index].contains(&id)
                    || lines.comes_after(&turns, pace, (id, last), from)
            });
            let slot = follows.then(|| self.lines.lengthen(id)).flatten();
            slots.push(if let Some(slot) = slot {
                lines.lengthen(id);
                slot
            } else {
                let has_head_start = waits.is_none() && lines.others_wait(id);
                lines.begin(id, from, has_head_start);
                self.lines.begin(id, from, has_head_start)
            });
        }
        self.promised = self.promised.max(lines.ends_after(pace, here));
        slots
    }

    /// Gives up places in a line, of flows that will not come.
    pub fn leave(&mut self, line: LineId, slots: &[Slot]) {
        self.lines.leave(line, slots);
    }

    /// When the turns of these places come that were handed out now, as far as it is known.
    pub fn times_of(
        &self,
        rate: &Rate,
        places: &[(LineId, Slot)],
        now: Timestamp,
    ) -> Vec<Timestamp> {
        let mut wanted: HashMap<_, _> = std::iter::zip(places.iter().copied(), 0..).collect();
        let mut times = vec![None; places.len()];
        // Most stand at the ends of their lines.
        let Some(first) = places.iter().map(|(_, slot)| *slot).min() else {
            return Vec::new();
        };
        let mut last = 0;
        for served in self.foreseen(rate) {
            last = served.at;
            if served.slot >= first
                && let Some(index) = wanted.remove(&(served.line, served.slot))
            {
                times[index] = Some(served.at);
                if wanted.is_empty() {
                    break;
                }
            }
        }
        let real = |at: Option<i64>| time(self.real(at.unwrap_or(last), now.as_microsecond()));
        times.into_iter().map(real).collect()
    }

    /// For how many of these places the turn has come.
    pub fn due_of<'a>(
        &self,
        rate: &Rate,
        places: impl IntoIterator<Item = (&'a LineId, &'a Slot)>,
        now: Timestamp,
    ) -> u32 {
        let at = self.on_line(now.as_microsecond());
        let due = self.foreseen(rate).take_while(|served| served.at <= at);
        let due: HashSet<_> = due.map(|served| (served.line, served.slot)).collect();
        let places = places.into_iter().map(|(line, slot)| (*line, *slot));
        let due = places.filter(|place| due.contains(place)).count();
        u32::try_from(due).unwrap_or(u32::MAX)
    }

    fn foreseen(&self, rate: &Rate) -> impl Iterator<Item = Served> + use<> {
        self.lines.forecast(&self.turns, rate.into()).take(FORESEEN)
    }

    /// When the turn of a place comes, or was a moment ago, as far as that is known `now`.
    pub fn time_of(
        &self,
        rate: &Rate,
        line: LineId,
        slot: Slot,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.turn_of(rate, line, slot, now.as_microsecond())
            .map(time)
    }

    pub(super) fn turn_of(&self, rate: &Rate, line: LineId, slot: Slot, now: i64) -> Option<i64> {
        if !self.lines.has(line, slot) {
            return None;
        }
        let mut last = None;
        let found = self.foreseen(rate).find(|served| {
            last = Some(served.at);
            (served.line, served.slot) == (line, slot)
        });
        let at = found.map(|served| served.at).or(last)?;
        Some(self.real(at, now))
    }

    /// The time of day of a time of the line.
    fn real(&self, at: i64, now: i64) -> i64 {
        at.saturating_add(self.shift)
            .saturating_add(self.still_for(now))
    }

    /// Where `now` is on the line.
    fn on_line(&self, now: i64) -> i64 {
        now - self.shift - self.still_for(now)
    }

    fn still_for(&self, now: i64) -> i64 {
        self.still_since.map_or(0, |since| (now - since).max(0))
    }
}

#[cfg(test)]
mod tests;
