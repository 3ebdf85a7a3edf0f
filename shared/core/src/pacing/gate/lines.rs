//! The lines of tenants before a gate, as time moves them on.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::{Gate, latest, micros, time};
use crate::pacing::lines::Served;
use crate::pacing::turns::Pace;
use crate::pacing::{LineId, Rate, Slot};

/// The most turns that are foreseen: whoever stands further behind looks again when its own is at the earliest.
const FORESEEN: usize = 20_000;
/// By how much the clock of a process may be behind, for it to find its turns all the same.
const APART: Duration = Duration::from_secs(2);
/// How many lines of a tenant that is alone begin one after the other, before whoever comes waits for others to come with
/// it. Beside others it has one more for each moment that is looked at, at the most.
const MOST_PARTS: usize = 6;

/// When the turn of a place comes, on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    At(i64),
    /// It is not foreseen.
    After(i64),
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
        let apart = !notice.is_zero();
        self.move_on_to(rate, apart, now);
        // Nobody new is called before the vendor asked for it.
        let until = self.throttled_until.unwrap_or_default();
        let patience = (until - now.as_microsecond()).max(0);
        let here = at.saturating_add(patience);
        self.lines.move_past_used(&mut self.turns, pace, here);
        self.lines.shorten();
        // Whoever comes within the same moment comes to the same line: a moment is so long that these are few, and as
        // short beside the notice as may be.
        let moment = if apart {
            micros(notice) / 2
        } else {
            latest(rate) / 4
        };
        let after = |time: i64| (time / moment + 1).saturating_mul(moment);
        // Of what may still be looked at, some is past: lines that have nothing else wait no more.
        let (mut lines, mut turns) = (self.lines.clone(), self.turns.clone());
        lines.move_to(&mut turns, pace, here);
        let mut slots = Vec::with_capacity(asks.len());
        // Those of which one came now behind all of whom others know.
        let mut came = HashSet::new();
        for &id in asks {
            let last = lines.last_of(id);
            let beside_others = lines.others_wait(id);
            let noticed = after(here.saturating_add(micros(notice)));
            let follows = last.filter(|last| {
                !apart
                    || !beside_others
                    || came.contains(&id)
                    || lines.comes_after(&turns, pace, (id, *last), noticed)
            });
            slots.push(if let Some(slot) = lines.vacant_in(id) {
                lines.fill(id, slot);
                self.lines.fill(id, slot);
                Some(slot)
            } else if let Some(last) = follows {
                came.insert(id);
                lines.follow(id, last);
                Some(self.lines.follow(id, last))
            } else if !self.lines.have_room_for(id) {
                None
            } else {
                came.insert(id);
                let from = if beside_others {
                    noticed
                } else if self.lines.of(id) >= MOST_PARTS {
                    after(here)
                } else if self.lines.others_wait(id) {
                    // Whoever has the turn that comes now may have used it.
                    here.saturating_add(1)
                } else {
                    here
                };
                let has_head_start = last.is_none() && beside_others;
                let follows = self.lines.follow_used(id, from);
                let begins = || self.lines.begin(id, from, has_head_start);
                let slot = follows.unwrap_or_else(begins);
                lines.begin_with(id, slot, from, has_head_start);
                lines.move_to(&mut turns, pace, here);
                let used = lines.last_of(id).is_none();
                self.lines.note_used(id, slot, used);
                Some(slot)
            });
        }
        self.busy_until = self.busy_until.max(lines.over_by(&turns, pace, here));
        slots
    }

    /// Moves on by the turns that are past for everybody, which makes the gate no other. `apart` is whether several
    /// processes ask, whose clocks may differ.
    pub fn move_on_to(&mut self, rate: &Rate, apart: bool, now: Timestamp) {
        let pace = Pace::from(rate);
        if self.pace.is_none_or(|before| before == pace) {
            let apart = if apart { micros(APART) } else { 0 };
            let past = self.on_line(now.as_microsecond()) - latest(rate) - apart;
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
        self.lines.shorten();
    }

    /// Whether a flow of this line would be handed a place.
    pub fn has_room_for(&self, line: LineId) -> bool {
        self.lines.have_room_for(line)
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
        let behind = if wanted.is_empty() {
            HashMap::new()
        } else {
            self.last_foreseen(rate, now)
        };
        let at = std::iter::zip(times, places).map(|(at, (line, slot))| {
            at.unwrap_or_else(|| {
                let turns = behind.get(line).map_or(0, |last| slot.turns_after(*last));
                last.saturating_add(Pace::from(rate).time_of(turns))
            })
        });
        at.map(|at| time(self.real(at, now.as_microsecond())))
            .collect()
    }

    /// The last of each line that is foreseen.
    fn last_foreseen(&self, rate: &Rate, now: Timestamp) -> HashMap<LineId, Slot> {
        let foreseen = self.foreseen(rate, now);
        foreseen.map(|it| (it.line, it.slot)).collect()
    }

    /// The lines of those of these places for which the turn has come.
    pub fn due_of(&self, rate: &Rate, places: &[(LineId, Slot)], now: Timestamp) -> Vec<LineId> {
        let at = self.on_line(now.as_microsecond());
        let due = self
            .foreseen(rate, now)
            .take_while(|served| served.at <= at);
        let due: HashSet<_> = due.map(|served| (served.line, served.slot)).collect();
        let due = places.iter().filter(|place| due.contains(place));
        due.map(|(line, _)| *line).collect()
    }

    /// When the turn of a place comes, or was a moment ago, as far as that is known `now`.
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
        let mut behind = slot;
        for served in self.foreseen(rate, now) {
            last = served.at;
            if served.line == line {
                behind = served.slot;
                if behind == slot {
                    return Some(Turn::At(last));
                }
            }
        }
        let turns = slot.turns_after(behind);
        Some(Turn::After(
            last.saturating_add(Pace::from(rate).time_of(turns)),
        ))
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
