//! Places for calls, where other processes call the same vendor: taken at the gate for all flows of this one together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::calls::Waiter;
use super::known::{InCall, Known};
use super::{Asker, BELIEVED_FOR, Found, Line, PROBE_WITHIN, Pacer};
use crate::OperationName;
use crate::pacing::{Gate, LineId, PlacesNeeded, ProcessId};
use crate::ports::Unavailable;

/// How long places are held: longer than the longest call that may begin in that time. What a process held that died is
/// free after it.
const HELD_FOR: Duration = Duration::from_mins(4);
/// How much of that has to be left when a call begins: attempts take less.
const LEFT_AT_LEAST: Duration = PROBE_WITHIN;
/// Which part of all places, as a divisor, may be held in all where a process keeps some that it has no call for. So much
/// may stand idle at the worst, until its time is over, if such a process is frozen when others begin to want them.
const MAY_BE_KEPT: u32 = 4;
/// How soon a flow looks again for whose call there is no place, at the least, and what is added by chance: where a queue
/// counts whole seconds, those that came together part.
const LOOK_FOR_PLACE: Duration = Duration::from_millis(500);
const LOOK_LATER: Duration = Duration::from_secs(2);
/// How soon one does that somebody waits for, or whose tenant is next: then no place is to stand idle for it, and one look in
/// that time is enough for all of a tenant in a process. A queue may count whole seconds.
const LOOK_SOON: Duration = Duration::from_millis(250);
/// How long it is believed that no place is free.
const JUST_LEARNT: Duration = Duration::from_millis(200);

impl Line {
    /// The gate was told how many places are held, and what it is like then is known.
    pub(super) fn told(&self) {
        self.known().tells_places = false;
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
        if let Some(call) = self.begin_in_kept(line, of, process, most) {
            return Ok(Found::At(call));
        }
        let rest = if asker.is_awaited {
            LOOK_SOON + LOOK_SOON.mul_f64(rand::random())
        } else {
            LOOK_FOR_PLACE + LOOK_LATER.mul_f64(rand::random())
        };
        let rest = rest.max(asker.rests_for);
        let waiter = Waiter {
            of,
            is_new: asker.is_new,
            looks_at: self.clock.after(rest),
        };
        let waits = Waits::begin(line, waiter);
        let _asking = line.asking.lock().await;
        let mut call = self.begin_in_given(line, of, process);
        if call.is_none() {
            call = self.begin_in_kept(line, of, process, most);
        }
        if call.is_none() {
            self.hold(name, line, most).await?;
            call = self.begin_in_given(line, of, process);
        }
        // Before anybody else asks.
        drop(waits);
        Ok(match call {
            Some(call) => Found::After(call),
            None => Found::None(self.rest(line, of, asker, rest)),
        })
    }

    /// How long a flow of a tenant rests that found no place: less where its tenant is next, and more where many rest, unless
    /// somebody waits for it.
    fn rest(&self, line: &Line, of: LineId, asker: Asker<'_>, mostly: Duration) -> Duration {
        let mut known = line.known();
        let now = self.clock.now();
        let resting = known.calls.resting(of);
        let rest = if known
            .last()
            .is_some_and(|gate| gate.is_next_at_places(of, now))
        {
            let soon = LOOK_SOON.saturating_mul(resting + 1);
            let soon = soon + soon.mul_f64(rand::random());
            mostly.min(soon.max(asker.rests_for))
        } else if asker.is_awaited {
            mostly
        } else {
            mostly.max(line.here().rest_beside(resting))
        };
        known.calls.rest(of, Instant::now() + rest);
        rest
    }

    /// What this process needs at a gate, where places are taken there. Until the gate is told, which MUST be by who
    /// asks for all, and [`told`](Line::told) after, no call begins in a place that it holds.
    pub(super) fn places_needed(
        &self,
        line: &Line,
        most: Option<NonZeroU32>,
    ) -> Option<PlacesNeeded> {
        let (process, most) = (self.process?, most?);
        let mut known = line.known();
        known.tells_places = true;
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
        if !line.known().has_spare_places(process) {
            return;
        }
        let gave_back = async {
            // What it knows is as old as its last question, where its calls are long and nobody else comes.
            self.gate(name, line, BELIEVED_FOR).await?;
            if self.has_too_many(line, of, process, most) {
                let _asking = line.asking.lock().await;
                if self.has_too_many(line, of, process, most) {
                    self.hold(name, line, most).await?;
                }
            }
            Ok::<_, Unavailable>(())
        };
        if let Err(error) = gave_back.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(operation = %name, error, "places are held until their time is over");
        }
    }

    /// Has the gate give this process the places that it needs, as far as it does. Whoever calls it MUST ask for all.
    async fn hold(
        &self,
        name: &OperationName,
        line: &Line,
        most: NonZeroU32,
    ) -> Result<(), Unavailable> {
        let unsure = line.known().tells_places;
        let Some(mut needed) = self.places_needed(line, Some(most)) else {
            return Ok(());
        };
        if unsure {
            // What was told last may yet come to the gate, where nothing is written after it.
            needed.enough = needed.until;
        }
        let now = self.clock.now();
        let just_learnt = line.known().gate(JUST_LEARNT).filter(|_| !unsure);
        // What changes nothing is read again, and thousands look.
        let unchanged = just_learnt.and_then(|gate| {
            let (held, after) = gate.apply_and_answer(|gate| gate.hold_places(&needed, now));
            after.is_none().then_some(held)
        });
        let held = if let Some(held) = unchanged {
            held
        } else {
            let hold = move |gate: &mut Gate| gate.hold_places(&needed, now);
            self.change(name, line, hold).await?.0
        };
        line.known().calls.give(&held);
        line.told();
        Ok(())
    }

    /// Begins a call in a place that this process was given for a flow of this tenant that waits.
    fn begin_in_given(&self, line: &Arc<Line>, of: LineId, process: ProcessId) -> Option<InCall> {
        let mut known = line.known();
        let (places, _) = self.places_that_last(&known, process)?;
        let given = places > known.calls.all() && known.calls.take_given(of);
        given.then(|| InCall::held(line, of, &mut known))
    }

    /// Begins a call in a place that this process holds, where it has one that no call needs, and that is no other tenant's.
    fn begin_in_kept(
        &self,
        line: &Arc<Line>,
        of: LineId,
        process: ProcessId,
        most: NonZeroU32,
    ) -> Option<InCall> {
        let mut known = line.known();
        let (places, gate) = self.places_that_last(&known, process)?;
        let (calls, now) = (known.calls.by_tenant(), self.clock.now());
        let may =
            places > known.calls.taken() && gate.may_use_kept_place(of, process, &calls, most, now);
        may.then(|| InCall::held(line, of, &mut known))
    }

    /// The places that this process holds for long enough, and is not about to give back.
    fn places_that_last<'a>(
        &self,
        known: &'a Known,
        process: ProcessId,
    ) -> Option<(u32, &'a Gate)> {
        let gate = known.last().filter(|_| !known.tells_places)?;
        let (places, until) = gate.places_of(process)?;
        (until >= self.clock.now() + LEFT_AT_LEAST).then_some((places, gate))
    }

    fn has_too_many(&self, line: &Line, of: LineId, process: ProcessId, most: NonZeroU32) -> bool {
        let mut known = line.known();
        let next = (of, known.calls.waiting_or_resting(of));
        let has_spare = known.has_spare_places(process);
        let Some(gate) = known.last() else {
            return false;
        };
        let Some((places, _)) = gate.places_of(process) else {
            return false;
        };
        let (calls, now) = (known.calls.by_tenant(), self.clock.now());
        if has_spare && !gate.may_keep_place_for(next, process, &calls, most, now) {
            return true;
        }
        let needed = known.calls.wanted();
        let free = gate.free_places(most, now);
        let plenty = most.get() - free <= most.get() / MAY_BE_KEPT;
        needed == 0 && !plenty || free == 0 && needed <= places / 2
    }
}

/// A flow that waits for a place to be taken, until it is dropped.
struct Waits<'a> {
    line: &'a Line,
    waiter: Waiter,
}

impl<'a> Waits<'a> {
    fn begin(line: &'a Line, waiter: Waiter) -> Self {
        line.known().calls.wait(waiter);
        Self { line, waiter }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.line.known().calls.wait_no_more(self.waiter);
    }
}
