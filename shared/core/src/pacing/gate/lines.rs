//! The lines of tenants before a gate, as time moves them on.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::{Gate, SKEW, latest, micros, time};
use crate::pacing::lines::Served;
use crate::pacing::turns::Pace;
use crate::pacing::{LineId, Rate, Slot};

/// The most turns that are foreseen: whoever stands further behind looks again at the last of them.
const FORESEEN: usize = 20_000;
const SECOND: i64 = 1_000_000;

/// When the turn of a place comes, on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    At(i64),
    /// It is not foreseen.
    After(i64),
}

impl Turn {
    fn at_the_earliest(self) -> i64 {
        match self {
            Self::At(at) | Self::After(at) => at,
        }
    }
}

impl Gate {
    /// Hands out the next place in each of these lines, in this order; `None` where too many lines wait. Nobody who comes
    /// takes a turn from others within `notice`: until then, those who know an older gate may use it.
    pub fn take(
        &mut self,
        rate: &Rate,
        asks: &[LineId],
        notice: Duration,
        now: Timestamp,
    ) -> Vec<Option<Slot>> {
        self.meet(now);
        let at = self.on_line(now.as_microsecond());
        let pace = Pace::from(rate);
        self.keep_to(pace, at);
        self.move_on_to(rate, now);
        // Nobody new is called before the vendor asked for it.
        let until = self.throttled_until.unwrap_or_default();
        let patience = (until - now.as_microsecond()).max(0);
        let here = at.saturating_add(patience);
        let noticed = match micros(notice) {
            // Whoever has the turn that comes now may have used it.
            0 => here.saturating_add(1),
            // Whoever comes within the same second comes to the same line.
            notice => (here.saturating_add(notice) / SECOND + 1).saturating_mul(SECOND),
        };
        // Of what may still be looked at, some is past: lines that have nothing else wait no more.
        let (mut lines, mut turns) = (self.lines.clone(), self.turns.clone());
        lines.move_to(&mut turns, pace, here);
        let mut slots = Vec::with_capacity(asks.len());
        for (index, &id) in asks.iter().enumerate() {
            let last = lines.last_of(id);
            let beside_others = lines.others_wait(id);
            let follows = last.filter(|last| {
                notice.is_zero()
                    || !beside_others
                    || asks[..index].contains(&id)
                    || lines.comes_after(&turns, pace, (id, *last), noticed)
            });
            slots.push(if let Some(slot) = lines.vacant_in(id) {
                lines.fill(id, slot);
                self.lines.fill(id, slot);
                Some(slot)
            } else if let Some(last) = follows {
                lines.follow(id, last);
                Some(self.lines.follow(id, last))
            } else if lines.are_full() {
                None
            } else {
                let from = match (beside_others, self.lines.others_wait(id)) {
                    (true, _) => noticed,
                    (false, true) => here.saturating_add(1),
                    (false, false) => here,
                };
                let has_head_start = last.is_none() && beside_others;
                lines.begin(id, from, has_head_start);
                Some(self.lines.begin(id, from, has_head_start))
            });
        }
        self.busy_until = self.busy_until.max(lines.over_by(&turns, pace, here));
        slots
    }

    /// Moves on by the turns that are past for everybody, which makes the gate no other.
    pub fn move_on_to(&mut self, rate: &Rate, now: Timestamp) {
        let pace = Pace::from(rate);
        if self.pace.is_none_or(|before| before == pace) {
            // The clocks of others may be behind.
            let past = self.on_line(now.as_microsecond()) - latest(rate) - micros(SKEW);
            self.lines.move_to(&mut self.turns, pace, past);
        }
    }

    /// Has turns come at this pace. After a change nobody has a place: those who wait take one when they come, as they were
    /// told by the pace before.
    fn keep_to(&mut self, pace: Pace, at: i64) {
        if let Some(handed_out) = self.handed_out.take() {
            self.turns = handed_out.until(pace, at);
        }
        if let Some(before) = self.pace.filter(|before| *before != pace) {
            self.lines.move_to(&mut self.turns, before, at);
            self.lines.clear();
            self.turns.restart();
        }
        self.pace = Some(pace);
    }

    /// Gives up places in a line, of flows that will not come.
    pub fn leave(&mut self, line: LineId, slots: &[Slot]) {
        self.lines.leave(line, slots);
    }

    /// When the turns of these places come, as far as it is known `now`.
    pub fn times_of(
        &self,
        rate: &Rate,
        places: &[(LineId, Slot)],
        now: Timestamp,
    ) -> Vec<Timestamp> {
        let mut wanted: HashMap<_, _> = std::iter::zip(places.iter().copied(), 0..).collect();
        let mut times = vec![None; places.len()];
        // Most stand at the ends of their lines.
        let first = places.iter().map(|(_, slot)| *slot).min();
        let mut last = self.on_line(now.as_microsecond());
        for served in self.foreseen(rate, now) {
            if wanted.is_empty() {
                break;
            }
            last = served.at;
            if Some(served.slot) >= first
                && let Some(index) = wanted.remove(&(served.line, served.slot))
            {
                times[index] = Some(served.at);
            }
        }
        let real = |at: Option<i64>| time(self.real(at.unwrap_or(last), now.as_microsecond()));
        times.into_iter().map(real).collect()
    }

    /// For how many of these places the turn has come.
    pub fn due_of(&self, rate: &Rate, places: &[(LineId, Slot)], now: Timestamp) -> u32 {
        let at = self.on_line(now.as_microsecond());
        let due = self
            .foreseen(rate, now)
            .take_while(|served| served.at <= at);
        let due: HashSet<_> = due.map(|served| (served.line, served.slot)).collect();
        let due = places.iter().filter(|place| due.contains(place)).count();
        u32::try_from(due).unwrap_or(u32::MAX)
    }

    /// When the turn of a place comes, or was a moment ago, as far as that is known `now`.
    pub fn time_of(
        &self,
        rate: &Rate,
        line: LineId,
        slot: Slot,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let turn = self.turn_of(rate, line, slot, now)?;
        let at = turn.at_the_earliest();
        Some(time(self.real(at, now.as_microsecond())))
    }

    pub(super) fn turn_of(
        &self,
        rate: &Rate,
        line: LineId,
        slot: Slot,
        now: Timestamp,
    ) -> Option<Turn> {
        let other_pace = self.pace.is_some_and(|pace| pace != Pace::from(rate));
        if other_pace || !self.lines.has(line, slot) {
            return None;
        }
        let mut last = self.on_line(now.as_microsecond());
        for served in self.foreseen(rate, now) {
            last = served.at;
            if (served.line, served.slot) == (line, slot) {
                return Some(Turn::At(last));
            }
        }
        Some(Turn::After(last))
    }

    /// The turns since the last change, and so many that come.
    fn foreseen(&self, rate: &Rate, now: Timestamp) -> impl Iterator<Item = Served> + use<> {
        let at = self.on_line(now.as_microsecond());
        let mut to_come = 0;
        let forecast = self.lines.forecast(&self.turns, rate.into());
        forecast.take_while(move |served| {
            to_come += usize::from(served.at > at);
            to_come <= FORESEEN
        })
    }

    /// The time of day of a time of the line.
    pub(super) fn real(&self, at: i64, now: i64) -> i64 {
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
