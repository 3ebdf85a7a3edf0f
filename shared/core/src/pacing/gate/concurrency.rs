//! Which processes hold how many places for calls, and for whom.

use std::num::NonZeroU32;

use jiff::Timestamp;

use super::{Gate, time};
use crate::pacing::{LineId, PlacesNeeded, ProcessId};

impl Gate {
    /// Has a process hold places for the calls that go on in it, and for those of its flows that wait, as far as others
    /// leave any and no tenant waits that has less. They are its own until then, and free by themselves after. Nothing
    /// changes where it has as many for the same tenants, and enough time left.
    pub fn hold_places(&mut self, needed: &PlacesNeeded, now: Timestamp) {
        let (at, until) = (now.as_microsecond(), needed.until.as_microsecond());
        let before = self.places.held_by(needed.process);
        let (mut places, mut sharing) = (self.places.clone(), self.sharing.clone());
        places.forget(at);
        sharing.forget(|process| places.held_by(process).is_some(), at);
        let known = sharing.clone();
        places.hold(needed.process, 0, until);
        let left = places.free(needed.most, at);
        let own = sharing.give(needed, left, at);
        let held = own
            .iter()
            .fold(0, |sum: u32, (_, calls)| sum.saturating_add(*calls));
        let held = held.min(left);
        places.hold(needed.process, held, until);
        let as_before = match before {
            Some((before, until)) => held == before && until >= needed.enough.as_microsecond(),
            None => held == 0,
        };
        if !as_before || sharing != known {
            self.meet(now);
            self.places = places;
            self.sharing = sharing;
        }
    }

    /// How many places a process holds, and until when.
    pub fn places_of(&self, process: ProcessId) -> Option<(u32, Timestamp)> {
        let (places, until) = self.places.held_by(process)?;
        Some((places, time(until)))
    }

    /// How many of the `most` places nobody holds.
    pub fn free_places(&self, most: NonZeroU32, now: Timestamp) -> u32 {
        self.places.free(most, now.as_microsecond())
    }

    /// Whether a process with these calls, which holds a place that none of them needs, may have a flow of this tenant call
    /// in it without a word: not where it is another's, and not where others wait and count it as another's.
    pub fn place_is_for(
        &self,
        line: LineId,
        process: ProcessId,
        calls: &[(LineId, u32)],
        now: Timestamp,
    ) -> bool {
        let at = now.as_microsecond();
        if !self.sharing.others_wait(line, at) {
            return true;
        }
        let own = calls.iter().find(|(of, _)| *of == line);
        let own = own.map_or(0, |(_, calls)| *calls);
        let held = self.sharing.held_for(process, line);
        held.is_some_and(|held| held > own)
            && !self.sharing.another_has_fewer(process, line, calls, at)
    }

    /// Whether a place that a call of this tenant left in a process is for another tenant.
    pub fn place_is_for_another(
        &self,
        line: LineId,
        process: ProcessId,
        calls: &[(LineId, u32)],
        now: Timestamp,
    ) -> bool {
        let at = now.as_microsecond();
        self.sharing.is_for_another(process, line, calls, at)
    }

    /// Whether the next place that becomes free is this tenant's, which waits beside others.
    pub fn is_next_at_places(
        &self,
        line: LineId,
        process: ProcessId,
        calls: &[(LineId, u32)],
        now: Timestamp,
    ) -> bool {
        let at = now.as_microsecond();
        self.sharing.is_next(process, line, calls, at)
    }
}

#[cfg(test)]
mod tests;
