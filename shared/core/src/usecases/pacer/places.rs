//! Places for calls, where other processes call the same vendor: taken at the gate for all flows of this one together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::known::InCall;
use super::{Asker, Found, Line, PROBE_WITHIN, Pacer};
use crate::OperationName;
use crate::pacing::{Gate, ProcessId};
use crate::ports::{GateRule, Unavailable};

/// How long places are held: longer than the longest call that may begin in that time. What a process held that died is
/// free after it.
const HELD_FOR: Duration = Duration::from_mins(4);
/// How much of that has to be left when a call begins: attempts take less.
const LEFT_AT_LEAST: Duration = PROBE_WITHIN;
/// Which part of all places, as a divisor, may be held in all where a process keeps some that it has no call for. So much
/// may stand idle at the worst, until its time is over, if such a process is frozen when others begin to want them.
const MAY_BE_KEPT: u32 = 4;

/// What a process needs at a gate for the calls that go on in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlacesNeeded {
    process: ProcessId,
    calls: u32,
    most: NonZeroU32,
}

impl PlacesNeeded {
    /// Has the process hold places for these and so many calls more, as far as others leave any.
    pub(super) fn hold(self, gate: &mut Gate, more: u32, now: Timestamp) {
        let wanted = self.calls.saturating_add(more);
        let times = [now + LEFT_AT_LEAST, now + HELD_FOR];
        gate.hold_places(self.process, wanted, self.most, times, now);
    }
}

impl Line {
    /// The gate was told how many places are held, and what it is like then is known.
    pub(super) fn told(&self) {
        self.known().calls_at_most = None;
    }
}

impl Pacer {
    /// A place for a call, if there is one.
    pub(super) async fn place(
        &self,
        name: &OperationName,
        line: &Arc<Line>,
        asker: Asker<'_>,
        most: Option<NonZeroU32>,
    ) -> Result<Found, Unavailable> {
        let Some(most) = most else {
            return Ok(Found::At(InCall::anyhow(line)));
        };
        let Some(process) = self.process else {
            return Ok(self.place_here(line, asker, most).await);
        };
        if let Some(call) = self.begin_held(line, process) {
            return Ok(Found::At(call));
        }
        let _wanting = Wanting::begin(line);
        let _asking = line.asking.lock().await;
        if let Some(call) = self.begin_held(line, process) {
            return Ok(Found::After(call));
        }
        let needed = self.places_needed(line, Some(most));
        self.hold(name, line, needed).await?;
        Ok(match self.begin_held(line, process) {
            Some(call) => Found::After(call),
            None => Found::None,
        })
    }

    /// What this process needs at a gate, where places are taken there. Until the gate is told, which MUST be by who
    /// asks for all, and [`told`](Line::told) after, no more calls go on than this.
    pub(super) fn places_needed(
        &self,
        line: &Line,
        most: Option<NonZeroU32>,
    ) -> Option<PlacesNeeded> {
        let (process, most) = (self.process?, most?);
        let mut known = line.known();
        let calls = known.calls.saturating_add(known.wanting);
        known.calls_at_most = Some(calls);
        Some(PlacesNeeded {
            process,
            calls,
            most,
        })
    }

    /// Gives back what no call needs any more: all of it after the last, some where nothing is left for others. Where
    /// plenty is free, it is kept for the next call: giving back what nobody wants would be a write for each flow
    /// that is alone.
    pub(super) async fn give_back_places(
        &self,
        name: &OperationName,
        line: &Line,
        most: Option<NonZeroU32>,
    ) {
        let (Some(process), Some(most)) = (self.process, most) else {
            return;
        };
        if !self.has_too_many(line, process, most) {
            return;
        }
        let _asking = line.asking.lock().await;
        if !self.has_too_many(line, process, most) {
            return;
        }
        let needed = self.places_needed(line, Some(most));
        if let Err(error) = self.hold(name, line, needed).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(operation = %name, error, "places are held until their time is over");
        }
    }

    async fn hold(
        &self,
        name: &OperationName,
        line: &Line,
        needed: Option<PlacesNeeded>,
    ) -> Result<(), Unavailable> {
        let Some(needed) = needed else {
            return Ok(());
        };
        let now = self.clock.now();
        let rule: GateRule = Arc::new(move |gate| needed.hold(gate, 0, now));
        self.change(name, line, rule).await?;
        line.told();
        Ok(())
    }

    /// Begins a call in a place that this process holds.
    fn begin_held(&self, line: &Arc<Line>, process: ProcessId) -> Option<InCall> {
        let gate = line.known().gate(Duration::MAX)?;
        let (places, until) = gate.places_of(process)?;
        let lasts = until >= self.clock.now() + LEFT_AT_LEAST;
        InCall::begin(line, if lasts { places } else { 0 })
    }

    fn has_too_many(&self, line: &Line, process: ProcessId, most: NonZeroU32) -> bool {
        let known = line.known();
        let Some(gate) = known.gate(Duration::MAX) else {
            return false;
        };
        let Some((places, _)) = gate.places_of(process) else {
            return false;
        };
        let needed = known.calls.saturating_add(known.wanting);
        let free = gate.free_places(most, self.clock.now());
        let plenty = most.get() - free <= most.get() / MAY_BE_KEPT;
        needed == 0 && !plenty || free == 0 && needed <= places / 2
    }
}

/// A flow that waits for a place to be taken, until it is dropped.
struct Wanting<'a>(&'a Line);

impl<'a> Wanting<'a> {
    fn begin(line: &'a Line) -> Self {
        line.known().wanting += 1;
        Self(line)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        let mut known = self.0.known();
        known.wanting = known.wanting.saturating_sub(1);
    }
}
