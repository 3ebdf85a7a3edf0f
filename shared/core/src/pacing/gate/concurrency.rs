//! Which processes hold how many places for calls.

use std::num::NonZeroU32;

use jiff::Timestamp;

use super::{Gate, time};
use crate::pacing::ProcessId;

impl Gate {
    /// Has a process hold as many of the `most` places for calls as it wants, as far as others leave any. They are its
    /// own until then, and free by themselves after. Nothing changes where it has as many and `enough` time left.
    pub fn hold_places(
        &mut self,
        process: ProcessId,
        wanted: u32,
        most: NonZeroU32,
        [enough, until]: [Timestamp; 2],
        now: Timestamp,
    ) {
        let at = now.as_microsecond();
        let mut places = self.places.clone();
        let held = places.hold(process, wanted, most, until.as_microsecond(), at);
        let as_before = match self.places.held_by(process) {
            Some((before, until)) => held == before && until >= enough.as_microsecond(),
            None => held == 0,
        };
        if !as_before {
            self.meet(now);
            self.places = places;
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
}
