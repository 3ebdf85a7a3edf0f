//! Places for calls, where other processes call the same vendor: taken at the gate for all flows of this one together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::known::InCall;
use super::{Line, PROBE_WITHIN, Pacer};
use crate::OperationName;
use crate::pacing::ProcessId;
use crate::ports::{GateRule, Unavailable};

/// How long places are held: longer than the longest call that may begin in that time. What a process held that died is
/// free after it.
const HELD_FOR: Duration = Duration::from_mins(4);
/// How much of that has to be left when a call begins: attempts take less.
const LEFT_AT_LEAST: Duration = PROBE_WITHIN;

impl Pacer {
    /// A place for a call, if there is one.
    pub(super) async fn place(
        &self,
        name: &OperationName,
        line: &Arc<Line>,
        most: Option<NonZeroU32>,
    ) -> Result<Option<InCall>, Unavailable> {
        let (Some(process), Some(most)) = (self.process, most) else {
            return Ok(InCall::begin(line, most.map(NonZeroU32::get)));
        };
        if let Some(call) = self.begin_held(line, process) {
            return Ok(Some(call));
        }
        let _wanting = Wanting::begin(line);
        let _asking = line.asking.lock().await;
        if let Some(call) = self.begin_held(line, process) {
            return Ok(Some(call));
        }
        let wanted = {
            let known = line.known();
            known.calls.saturating_add(known.wanting)
        };
        self.hold(name, line, process, wanted, most).await?;
        Ok(self.begin_held(line, process))
    }

    /// Gives back what no call needs any more: all of it after the last, some where nothing is left for others.
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
        let wanted = line.known().calls;
        if let Err(error) = self.hold(name, line, process, wanted, most).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(operation = %name, error, "places are held until their time is over");
        }
    }

    async fn hold(
        &self,
        name: &OperationName,
        line: &Line,
        process: ProcessId,
        wanted: u32,
        most: NonZeroU32,
    ) -> Result<(), Unavailable> {
        let now = self.clock.now();
        let times = [now + LEFT_AT_LEAST, now + HELD_FOR];
        let rule: GateRule =
            Arc::new(move |gate| gate.hold_places(process, wanted, most, times, now));
        self.change(name, line, rule).await?;
        Ok(())
    }

    /// Begins a call in a place that this process holds.
    fn begin_held(&self, line: &Arc<Line>, process: ProcessId) -> Option<InCall> {
        let gate = line.known().gate(Duration::MAX)?;
        let (places, until) = gate.places_of(process)?;
        let lasts = until >= self.clock.now() + LEFT_AT_LEAST;
        InCall::begin(line, Some(places).filter(|_| lasts).or(Some(0)))
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
        let others_wait = gate.free_places(most, self.clock.now()) == 0;
        needed == 0 || others_wait && needed <= places / 2
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
