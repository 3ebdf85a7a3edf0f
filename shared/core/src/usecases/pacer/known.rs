//! What one process knows of the line before a gate.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Line;
use super::calls::Calls;
use super::clock::jumped;
use crate::pacing::{Gate, LineId, ProcessId, Rate, Slot};
use crate::{FlowId, Share};

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
    /// When a call last found the vendor well.
    pub(super) well_at: Option<Instant>,
    /// The flows that found it down since.
    pub(super) found_down: Vec<FlowId>,
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
