//! What one process knows of the line before a gate.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Line;
use super::calls::Calls;
use super::clock::jumped;
use crate::pacing::{Gate, LineId, ProcessId, Rate, SPREAD, Slot};
use crate::{FlowId, Share};

/// How long a vendor that was found well counts as one that others call too.
const LATELY: Duration = Duration::from_mins(5);
/// How long those count who were told to wait for a vendor: longer than it takes until they look again.
const STILL_WAIT: Duration = Duration::from_secs(40);
/// How many flows are known that asked in vain.
const IN_VAIN: usize = 256;

#[derive(Default)]
pub(super) struct Known {
    gate: Option<(Gate, Instant)>,
    /// What both clocks said last.
    clocks: Option<(Instant, Timestamp)>,
    /// By how much the clock jumped since the gate was told last, in microseconds.
    jumped: i64,
    /// Who asks for a place in a line.
    pub(super) asks: Vec<Ask>,
    /// Calls that go on, and flows that wait for a place to be taken at the gate.
    pub(super) calls: Calls,
    /// Whether the gate is being told how many places are held, which may be fewer than before.
    pub(super) tells_places: bool,
    /// When a call of each tenant last found the vendor well, lately.
    well: HashMap<LineId, Instant>,
    /// The flows that found it down since, and of which tenant they are.
    pub(super) found_down: Vec<(FlowId, LineId)>,
    /// Flows that asked last whether it is back and heard that it is not, also before it was well: that may be of their assets.
    in_vain: VecDeque<FlowId>,
    /// When flows of each tenant were last told to wait for a vendor that is down.
    held_up: HashMap<LineId, Instant>,
}

/// Somebody who asks for a place in this line.
pub(super) struct Ask {
    pub(super) of: LineId,
    pub(super) hand: oneshot::Sender<Option<Handed>>,
}

/// A place in a line, and when its turn comes if nobody else does.
pub(super) struct Handed {
    pub(super) slot: Slot,
    pub(super) at: Timestamp,
}

impl Known {
    /// The gate, if it was learnt no longer ago.
    pub(super) fn gate(&self, at_most: Duration) -> Option<Gate> {
        let (gate, learnt) = self.gate.as_ref()?;
        (learnt.elapsed() < at_most).then(|| gate.clone())
    }

    /// The gate, as it was when it was learnt last.
    pub(super) fn last(&self) -> Option<&Gate> {
        self.gate.as_ref().map(|(gate, _)| gate)
    }

    /// The gate, as it was or may have been when it was asked for. Whoever asks MUST do so alone: what is learnt late
    /// may be older than what is known.
    pub(super) fn learn(&mut self, gate: Gate, asked: Instant) {
        self.gate = Some((gate, asked));
    }

    /// A call of this tenant found the vendor well.
    pub(super) fn found_well(&mut self, by: LineId) {
        self.found_down.clear();
        self.well.retain(|_, at| at.elapsed() < LATELY);
        self.well.insert(by, Instant::now());
    }

    /// Whether anybody found the vendor well lately.
    pub(super) fn is_well_lately(&self) -> bool {
        self.well.values().any(|at| at.elapsed() < LATELY)
    }

    /// Whether those who found the vendor down since it was well are all of this tenant, and others found it well lately.
    pub(super) fn is_down_alone(&self, of: LineId) -> bool {
        let of_others = |(line, at): (&LineId, &Instant)| *line != of && at.elapsed() < LATELY;
        self.found_down.iter().all(|(_, line)| *line == of) && self.well.iter().any(of_others)
    }

    /// Flows of this tenant were told to wait for a vendor that is down.
    pub(super) fn holds_up(&mut self, of: LineId) {
        self.held_up.retain(|_, at| at.elapsed() < STILL_WAIT);
        self.held_up.insert(of, Instant::now());
    }

    /// This flow asked whether the vendor is back, and heard that it is not.
    pub(super) fn asked_in_vain(&mut self, flow: FlowId) {
        if !self.in_vain.contains(&flow) {
            self.in_vain.push_back(flow);
        }
        if self.in_vain.len() > IN_VAIN {
            self.in_vain.pop_front();
        }
    }

    /// Until when others go first to ask whether the vendor is back: this flow asked in vain before, or one of its tenant
    /// did last and those of others wait.
    pub(super) fn others_ask_until(&self, of: LineId, flow: FlowId) -> Option<Timestamp> {
        let outage = self.last()?.outage()?;
        let others = |(line, at): (&LineId, &Instant)| *line != of && at.elapsed() < STILL_WAIT;
        let is_of_others = outage.probed_by() == Some(of) && self.held_up.iter().any(others);
        let are_first = (is_of_others && !outage.is_of_one()) || self.in_vain.contains(&flow);
        are_first.then(|| outage.probe_at() + SPREAD)
    }

    /// Whether this process holds more places than its flows have taken.
    pub(super) fn has_spare_places(&self, process: ProcessId) -> bool {
        let held = self.last().and_then(|gate| gate.places_of(process));
        held.is_some_and(|(places, _)| places > self.calls.taken())
    }

    /// Moves the lines on in what is known, so that nobody else has to go through those turns, and has `gate` be that.
    pub(super) fn move_on_to(&mut self, rate: &Rate, apart: bool, now: Timestamp, gate: &mut Gate) {
        if let Some((known, _)) = &mut self.gate
            && known.revision == gate.revision
        {
            known.move_on_to(rate, apart, now);
            gate.clone_from(known);
        }
    }

    /// By how much the clock jumped that the gate was not told of, in microseconds; mostly not at all.
    pub(super) fn jump(&mut self, instant: Instant, now: Timestamp) -> i64 {
        if let Some((since, before)) = self.clocks.replace((instant, now)) {
            let elapsed = instant.saturating_duration_since(since);
            self.jumped += jumped(elapsed, before, now);
        }
        self.jumped
    }

    /// The gate was told of a jump.
    pub(super) fn followed(&mut self, jump: i64) {
        self.jumped -= jump;
    }
}

/// A call that goes on, until it is dropped.
pub(super) struct InCall {
    line: Arc<Line>,
    of: LineId,
    /// Its place, where one process makes all calls.
    _place: Option<Share>,
}

impl InCall {
    /// Begins a call of a tenant, where one process makes all of them in this place.
    pub(super) fn at(line: &Arc<Line>, of: LineId, place: Share) -> Self {
        Self::counted(line, of, &mut line.known(), Some(place))
    }

    /// Begins a call of a tenant that needs no place.
    pub(super) fn anyhow(line: &Arc<Line>, of: LineId) -> Self {
        Self::counted(line, of, &mut line.known(), None)
    }

    /// Begins a call of a tenant in a place that this process holds at the gate: whoever asks whether it does, and then for
    /// this, MUST keep others from asking meanwhile.
    pub(super) fn held(line: &Arc<Line>, of: LineId, known: &mut Known) -> Self {
        Self::counted(line, of, known, None)
    }

    fn counted(line: &Arc<Line>, of: LineId, known: &mut Known, place: Option<Share>) -> Self {
        known.calls.begin(of);
        Self {
            line: line.clone(),
            of,
            _place: place,
        }
    }

    pub(super) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Whose it is.
    pub(super) fn of(&self) -> LineId {
        self.of
    }
}

impl std::fmt::Debug for InCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InCall")
    }
}

impl Drop for InCall {
    fn drop(&mut self) {
        let mut known = self.line.known();
        known.calls.end(self.of);
        drop(known);
        self.line.here().ended();
    }
}
