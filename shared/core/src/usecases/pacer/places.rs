//! Places for calls, where other processes call the same vendor: taken at the gate for all flows of this one together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::known::InCall;
use super::{Asker, Found, Line, PROBE_WITHIN, Pacer};
use crate::OperationName;
use crate::pacing::{LineId, PlacesNeeded, ProcessId};
use crate::ports::{GateRule, Unavailable};

/// How long places are held: longer than the longest call that may begin in that time. What a process held that died is
/// free after it.
const HELD_FOR: Duration = Duration::from_mins(4);
/// How much of that has to be left when a call begins: attempts take less.
const LEFT_AT_LEAST: Duration = PROBE_WITHIN;
/// Which part of all places, as a divisor, may be held in all where a process keeps some that it has no call for. So much
/// may stand idle at the worst, until its time is over, if such a process is frozen when others begin to want them.
const MAY_BE_KEPT: u32 = 4;
/// How soon a flow looks again for whose call there is no place, at the least; as much again is added by chance.
const LOOK_FOR_PLACE: Duration = Duration::from_secs(1);
/// How soon one does that somebody waits for, and one of a tenant that is next. Of such a tenant, no more look in a process than
/// one in that time.
const LOOK_SOON: Duration = Duration::from_millis(250);
/// How long it is believed that no place is free.
const JUST_LEARNT: Duration = Duration::from_millis(200);

impl Line {
    /// The gate was told how many places are held, and what it is like then is known.
    pub(super) fn told(&self) {
        self.known().calls_at_most = None;
    }
}

impl Pacer {
    /// A place for a call of a tenant, if there is one.
    pub(super) async fn place(
        &self,
        name: &OperationName,
        line: &Arc<Line>,
        of: LineId,
        asker: Asker<'_>,
        most: Option<NonZeroU32>,
    ) -> Result<Found, Unavailable> {
        let Some(most) = most else {
            return Ok(Found::At(InCall::anyhow(line, of)));
        };
        let Some(process) = self.process else {
            return Ok(self.place_here(line, of, asker, most).await);
        };
        if let Some(call) = self.begin(line, of, process) {
            return Ok(Found::At(call));
        }
        let rest = if asker.is_awaited {
            LOOK_SOON
        } else {
            LOOK_FOR_PLACE
        };
        let rest = (rest + rest.mul_f64(rand::random())).max(asker.rests_for);
        let _waits = Waits::begin(line, of, self.clock.after(rest));
        let _asking = line.asking.lock().await;
        if let Some(call) = self.begin(line, of, process) {
            return Ok(Found::After(call));
        }
        let needed = self.places_needed(line, Some(most));
        self.hold(name, line, needed).await?;
        if let Some(call) = self.begin(line, of, process) {
            return Ok(Found::After(call));
        }
        Ok(Found::None(self.rest(
            line,
            of,
            process,
            rest,
            asker.rests_for,
        )))
    }

    /// How long a flow of a tenant rests that found no place, and none in this process is known to be its. Whose tenant is
    /// next looks sooner: no place is to stand idle for it.
    fn rest(
        &self,
        line: &Line,
        of: LineId,
        process: ProcessId,
        mostly: Duration,
        at_least: Duration,
    ) -> Duration {
        let mut known = line.known();
        let calls = known.calls.by_tenant();
        let gate = known.gate(Duration::MAX);
        let now = self.clock.now();
        let is_next = gate.is_some_and(|gate| gate.is_next_at_places(of, process, &calls, now));
        let rest = if is_next {
            let soon = LOOK_SOON.saturating_mul(known.calls.resting(of) + 1);
            let soon = soon + soon.mul_f64(rand::random());
            mostly.min(soon.max(at_least))
        } else {
            mostly
        };
        known.calls.rest(of, Instant::now() + rest);
        rest
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
        known.calls_at_most = Some(known.calls.wanted());
        let now = self.clock.now();
        Some(PlacesNeeded {
            process,
            most,
            of: known.calls.needs(),
            enough: now + LEFT_AT_LEAST,
            until: now + HELD_FOR,
        })
    }

    /// Gives back what no call needs any more: all of it after the last, some where nothing is left for others, and what
    /// is another tenant's that waits. Where plenty is free, it is kept for the next call: giving back what nobody wants
    /// would be a write for each flow that is alone.
    pub(super) async fn give_back_places(
        &self,
        name: &OperationName,
        line: &Line,
        of: LineId,
        most: Option<NonZeroU32>,
    ) {
        let (Some(process), Some(most)) = (self.process, most) else {
            return;
        };
        if !self.has_too_many(line, of, process, most) {
            return;
        }
        let _asking = line.asking.lock().await;
        if !self.has_too_many(line, of, process, most) {
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
        let rule: GateRule = Arc::new(move |gate| gate.hold_places(&needed, now));
        let just_learnt = line.known().gate(JUST_LEARNT);
        // What changes nothing is read again, and thousands look.
        if just_learnt.is_none_or(|gate| gate.apply(&*rule).is_some()) {
            self.change(name, line, rule).await?;
        }
        line.told();
        Ok(())
    }

    /// Begins a call in a place that this process holds, where it has one for this tenant.
    fn begin(&self, line: &Arc<Line>, of: LineId, process: ProcessId) -> Option<InCall> {
        let mut known = line.known();
        let gate = known.gate(Duration::MAX)?;
        let (places, until) = gate.places_of(process)?;
        let now = self.clock.now();
        let lower = known.calls_at_most.unwrap_or(u32::MAX);
        let may = until >= now + LEFT_AT_LEAST
            && known.calls.all() < places.min(lower)
            && gate.place_is_for(of, process, &known.calls.by_tenant(), now);
        may.then(|| InCall::held(line, of, &mut known))
    }

    fn has_too_many(&self, line: &Line, of: LineId, process: ProcessId, most: NonZeroU32) -> bool {
        let known = line.known();
        let Some(gate) = known.gate(Duration::MAX) else {
            return false;
        };
        let Some((places, _)) = gate.places_of(process) else {
            return false;
        };
        let needed = known.calls.wanted();
        let now = self.clock.now();
        if needed < places && gate.place_is_for_another(of, process, &known.calls.by_tenant(), now)
        {
            return true;
        }
        let free = gate.free_places(most, now);
        let plenty = most.get() - free <= most.get() / MAY_BE_KEPT;
        needed == 0 && !plenty || free == 0 && needed <= places / 2
    }
}

/// A flow that waits for a place to be taken, until it is dropped.
struct Waits<'a> {
    line: &'a Line,
    of: LineId,
}

impl<'a> Waits<'a> {
    fn begin(line: &'a Line, of: LineId, looks_at: Timestamp) -> Self {
        line.known().calls.wait(of, looks_at);
        Self { line, of }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.line.known().calls.wait_no_more(self.of);
    }
}
