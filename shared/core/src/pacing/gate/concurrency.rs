//! Which processes hold how many places for calls, and for whom.

use std::num::NonZeroU32;

use jiff::Timestamp;

use super::{Gate, time};
use crate::pacing::places_needed::total;
use crate::pacing::{LineId, PlacesNeeded, ProcessId};

impl Gate {
    /// Has a process hold places for the calls that go on in it, and for those of its flows that wait, as far as others
    /// leave any and no other tenant is next, and notes who waits for more. They are its own until then, and free by
    /// themselves after. Nothing changes where it has as many for the same tenants, enough time left, and all is noted. For
    /// how many calls of each tenant it has places then.
    pub fn hold_places(&mut self, needed: &PlacesNeeded, now: Timestamp) -> Vec<(LineId, u32)> {
        let mut after = self.clone();
        after.meet(now);
        let at = now.as_microsecond();
        let before = after.places.held_by(needed.process);
        after.places.forget(at);
        after.sharing.forget(&after.places, at);
        let known = after.sharing.clone();
        let others = after.places.without(needed.process);
        let left = others.free(needed.most, at);
        let own = after.sharing.give(needed, left, &others, at);
        let held = total(&own).min(left);
        let until = needed.until.as_microsecond();
        after.places.hold(needed.process, held, until);
        // Calls go on for which it has none, where its time was over and others took all.
        let listed = if held > 0 { &own[..] } else { &[] };
        after.sharing.list(needed.process, listed, &others);
        let as_before = match before {
            Some((before, until)) => held == before && until >= needed.enough.as_microsecond(),
            None => held == 0,
        };
        if !as_before || after.sharing != known {
            *self = after;
        }
        own
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

    /// Whether a process with these calls may have a flow of this tenant call in a place that it holds and that none of
    /// them needs, without a word: where others wait, it is to be this tenant's for them too, and to be its own if it were
    /// given out anew.
    pub fn may_use_kept_place(
        &self,
        line: LineId,
        process: ProcessId,
        calls: &[(LineId, u32)],
        most: NonZeroU32,
        now: Timestamp,
    ) -> bool {
        let at = now.as_microsecond();
        self.sharing
            .may_use_kept(line, process, calls, &self.places, most, at)
    }

    /// Whether a process with these calls may keep a place that none of them needs for the next flow of this tenant, of
    /// which so many are known to wait in it: where others wait, only if one of those would be given it.
    pub fn may_keep_place_for(
        &self,
        (line, waiting): (LineId, u32),
        process: ProcessId,
        calls: &[(LineId, u32)],
        most: NonZeroU32,
        now: Timestamp,
    ) -> bool {
        let at = now.as_microsecond();
        let of = (line, waiting);
        self.sharing
            .would_be_given(of, process, calls, &self.places, most, at)
    }

    /// Whether a tenant waits for places beside this one.
    pub fn others_wait_for_places(&self, line: LineId, now: Timestamp) -> bool {
        self.sharing.others_wait(line, now.as_microsecond())
    }

    /// Whether this tenant waits for a place beside others, and is next.
    pub fn is_next_at_places(&self, line: LineId, now: Timestamp) -> bool {
        let at = now.as_microsecond();
        self.sharing.is_next(line, &self.places, at)
    }
}

#[cfg(test)]
mod tests;
