//! Places for calls, which processes hold at a gate: so many at once, for a time.
//!
//! A place for each call would cost two writes each, and nobody would get one back from a process that died. What a
//! process holds is taken and given back for all its calls together, and ends by itself.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// A process that asks at gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcessId(u64);

impl ProcessId {
    /// One that no other process has.
    pub fn generate() -> Self {
        Self(rand::random())
    }
}

/// Who holds how many places. In JSON each is `[process, places, until]`, which is short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Places(Vec<(ProcessId, u32, i64)>);

impl Places {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Has a process hold so many until then, and nothing else.
    pub(super) fn hold(&mut self, process: ProcessId, places: u32, until: i64) {
        self.0.retain(|(holder, _, _)| *holder != process);
        if places > 0 {
            self.0.push((process, places, until));
        }
    }

    /// Forgets those whose time is over.
    pub(super) fn forget(&mut self, now: i64) {
        self.0.retain(|(_, _, until)| *until > now);
    }

    /// The same without those of one.
    pub(super) fn without(&self, process: ProcessId) -> Self {
        let others = self.0.iter().filter(|(holder, _, _)| *holder != process);
        Self(others.copied().collect())
    }

    /// Who holds how many.
    pub(super) fn by_holder(&self) -> impl Iterator<Item = (ProcessId, u32)> {
        self.0.iter().map(|(holder, places, _)| (*holder, *places))
    }

    /// How many nobody holds.
    pub(super) fn free(&self, most: NonZeroU32, now: i64) -> u32 {
        let held = self.0.iter().filter(|(_, _, until)| *until > now);
        let held = held.fold(0, |sum: u32, (_, places, _)| sum.saturating_add(*places));
        most.get().saturating_sub(held)
    }

    /// How many a process holds, and until when.
    pub(super) fn held_by(&self, process: ProcessId) -> Option<(u32, i64)> {
        let mut held = self.0.iter();
        held.find(|(holder, _, _)| *holder == process)
            .map(|(_, places, until)| (*places, *until))
    }

    /// The clock jumped by so much.
    pub(super) fn turn(&mut self, by: i64) {
        for (_, _, until) in &mut self.0 {
            *until = until.saturating_add(by);
        }
    }
}
