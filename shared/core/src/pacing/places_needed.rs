//! What a process needs of the places for calls at a gate.

use std::num::NonZeroU32;

use jiff::Timestamp;

use super::{LineId, ProcessId};

/// What a process needs of the places for calls at a gate.
#[derive(Debug, Clone)]
pub struct PlacesNeeded {
    /// Who needs them.
    pub process: ProcessId,
    /// How many there are for all.
    pub most: NonZeroU32,
    /// For which tenants: each once. One that has neither calls nor flows that wait MAY be left out.
    pub of: Vec<Need>,
    /// The places MUST last until then.
    pub enough: Timestamp,
    /// Until then they are held, if anything is to be written.
    pub until: Timestamp,
}

impl PlacesNeeded {
    /// The same with a flow more that waits now, for each of these.
    #[must_use]
    pub fn with_more(&self, lines: &[LineId], now: Timestamp) -> Self {
        let mut more = self.clone();
        for line in lines {
            if let Some(need) = more.of.iter_mut().find(|need| need.line == *line) {
                need.waiting += 1;
            } else {
                more.of.push(Need {
                    line: *line,
                    calls: 0,
                    waiting: 1,
                    new: 0,
                    resting: 0,
                    looks_at: now,
                });
            }
        }
        more
    }
}

/// What one tenant needs of the places that a process holds.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// The tenant.
    pub line: LineId,
    /// How many calls go on.
    pub calls: u32,
    /// How many flows wait for a place now.
    pub waiting: u32,
    /// How many of those look for the first time.
    pub new: u32,
    /// How many others rest that looked before, in the same process.
    pub resting: u32,
    /// When the last of those that wait looks again, if it is given none.
    pub looks_at: Timestamp,
}

/// How many of these calls are a tenant's.
pub(crate) fn calls_of(calls: &[(LineId, u32)], line: LineId) -> u32 {
    let of_it = calls.iter().find(|(of, _)| *of == line);
    of_it.map_or(0, |(_, calls)| *calls)
}

/// How many calls these are in all.
pub(super) fn total(calls: &[(LineId, u32)]) -> u32 {
    let calls = calls.iter().map(|(_, calls)| *calls);
    calls.fold(0, u32::saturating_add)
}
