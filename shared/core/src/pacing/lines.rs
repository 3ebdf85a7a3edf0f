//! Whose turn is next: a line for each tenant before a gate, served one after the other.
//!
//! Nobody's time is fixed when they come: the next turn is that of the line whose turn it is then, so that thousands of one
//! tenant do not stand before one of another. Whoever has the row can tell when each turn comes, as far as nobody else
//! comes: time alone moves the lines on, and no write.

use std::collections::VecDeque;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::turns::{Pace, Turns};
use crate::{Sha256Digest, TenantId};

/// So many turns of a line that begins to wait beside others are its head start, of which it has [`AT_ONCE`] where they have
/// one: ten assets take less than twice as long as alone, however many of one tenant wait.
const HEAD_START: u32 = 9;
const AT_ONCE: u32 = 3;
/// Into how many spans the numbers of a line fall at the most.
const MOST_SPANS: usize = 12;

/// The line of a tenant. Two tenants may share one, if hardly ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineId(u32);

impl LineId {
    /// That of this tenant, in every process and version.
    pub fn of(tenant: &TenantId) -> Self {
        let digest = Sha256Digest::of(tenant.as_str().as_bytes()).to_bytes();
        let first = digest.first_chunk().copied().unwrap_or_default();
        Self(u32::from_be_bytes(first))
    }
}

/// The place of a flow in the line of its tenant: a number that no other flow of it has. When its turn comes,
/// [`Gate::time_of`](super::Gate::time_of) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(i64);

/// The lines before a gate. In JSON a list, which is short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, Vec<Line>)", into = "(i64, Vec<Line>)")]
pub(super) struct Lines {
    /// The highest number that was handed out.
    highest: i64,
    /// In the order in which they are served.
    waiting: Vec<Line>,
}

/// Flows of one tenant. In JSON a list, which is short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "InRow", into = "InRow")]
struct Line {
    id: LineId,
    /// They have no turn before.
    from: i64,
    /// What is left of its head start.
    ahead: u32,
    /// Their numbers: the first of each span, and how many come after each other. Never empty.
    spans: VecDeque<Span>,
}

type Span = (i64, u32);
type InRow = (LineId, i64, u32, VecDeque<Span>);

impl From<InRow> for Line {
    fn from((id, from, ahead, spans): InRow) -> Self {
        Self {
            id,
            from,
            ahead,
            spans,
        }
    }
}

impl From<Line> for InRow {
    fn from(line: Line) -> Self {
        (line.id, line.from, line.ahead, line.spans)
    }
}

impl Line {
    fn length(&self) -> i64 {
        let lengths = self.spans.iter().map(|(_, length)| i64::from(*length));
        lengths.fold(0, i64::saturating_add)
    }

    fn has(&self, number: i64) -> bool {
        let within = |(first, length): &Span| {
            let place = number - first;
            place >= 0 && place < i64::from(*length)
        };
        self.spans.iter().any(within)
    }

    /// The number whose turn is next, which it has no more then.
    fn serve(&mut self) -> Option<i64> {
        let (first, length) = self.spans.front_mut()?;
        let number = *first;
        *first += 1;
        *length -= 1;
        if *length == 0 {
            self.spans.pop_front();
        }
        Some(number)
    }

    /// Takes numbers out that nobody waits at any more, which MUST be in order. Where that leaves too many spans, those keep
    /// their turns between which the fewest are.
    fn leave(&mut self, numbers: &[i64]) {
        let mut left = Vec::new();
        for &(first, length) in &self.spans {
            let end = first + i64::from(length);
            let from = numbers.partition_point(|number| *number < first);
            let to = numbers.partition_point(|number| *number < end);
            let mut next = first;
            for &number in &numbers[from..to] {
                left.push(next..number);
                next = number + 1;
            }
            left.push(next..end);
        }
        left.retain(|span| !span.is_empty());
        let gaps = left.windows(2).map(|pair| pair[1].start - pair[0].end);
        let mut widest: Vec<_> = gaps.enumerate().map(|(at, gap)| (gap, at)).collect();
        widest.sort_unstable_by(|one, other| other.cmp(one));
        widest.truncate(MOST_SPANS - 1);
        let keeps = |at: usize| widest.iter().any(|(_, kept)| *kept == at);
        let mut spans: Vec<Range<i64>> = Vec::new();
        for (at, span) in left.into_iter().enumerate() {
            match spans.last_mut() {
                Some(last) if !keeps(at - 1) => last.end = span.end,
                _ => spans.push(span),
            }
        }
        let span = |span: Range<i64>| {
            (
                span.start,
                u32::try_from(span.end - span.start).unwrap_or(u32::MAX),
            )
        };
        self.spans = spans.into_iter().map(span).collect();
    }
}

impl From<(i64, Vec<Line>)> for Lines {
    fn from((highest, waiting): (i64, Vec<Line>)) -> Self {
        Self { highest, waiting }
    }
}

impl From<Lines> for (i64, Vec<Line>) {
    fn from(lines: Lines) -> Self {
        (lines.highest, lines.waiting)
    }
}

/// A turn that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) line: LineId,
    pub(super) slot: Slot,
    /// On the time line of the gate.
    pub(super) at: i64,
}

impl Lines {
    /// The turns that come, in their order, as long as nobody else comes.
    pub(super) fn forecast(
        &self,
        turns: &Turns,
        pace: Pace,
    ) -> impl Iterator<Item = Served> + use<> {
        let (mut lines, mut turns) = (self.clone(), turns.clone());
        std::iter::from_fn(move || lines.serve(&mut turns, pace, i64::MAX))
    }

    /// Moves on by the turns that come until then.
    pub(super) fn move_to(&mut self, turns: &mut Turns, pace: Pace, until: i64) {
        while self.serve(turns, pace, until).is_some() {}
    }

    /// The last place in this line, if it waits.
    pub(super) fn last_of(&self, id: LineId) -> Option<Slot> {
        let line = self.waiting.iter().rfind(|line| line.id == id)?;
        let (first, length) = line.spans.back()?;
        Some(Slot(first + i64::from(*length) - 1))
    }

    /// Whether other lines than this wait.
    pub(super) fn others_wait(&self, id: LineId) -> bool {
        self.waiting.iter().any(|line| line.id != id)
    }

    /// About when the last turn of these is over that come from then on.
    pub(super) fn ends_after(&self, pace: Pace, from: i64) -> i64 {
        let turns = self.waiting.iter().map(Line::length);
        let turns = turns.fold(0, i64::saturating_add);
        from.saturating_add(pace.time_of(turns))
    }

    /// Whether the turn of a place comes then or later, or is not foreseen.
    pub(super) fn comes_after(
        &self,
        turns: &Turns,
        pace: Pace,
        (id, slot): (LineId, Slot),
        then: i64,
    ) -> bool {
        let before = |served: &Served| served.at < then;
        let mut served = self.forecast(turns, pace).take_while(before);
        !served.any(|served| (served.line, served.slot) == (id, slot))
    }

    /// Puts a flow at the end of its line, if that waits.
    pub(super) fn lengthen(&mut self, id: LineId) -> Option<Slot> {
        let line = self.waiting.iter_mut().rfind(|line| line.id == id)?;
        let (first, length) = line.spans.back_mut()?;
        let slot = *first + i64::from(*length);
        *length = length.saturating_add(1);
        self.highest = self.highest.max(slot);
        Some(Slot(slot))
    }

    /// Begins a line with one flow, which has its first turn from then on.
    pub(super) fn begin(&mut self, id: LineId, from: i64, has_head_start: bool) -> Slot {
        // In milliseconds, so that no number of an earlier line comes again, nor one of a version in which it was a time in
        // microseconds.
        let next = from.div_euclid(1_000).max(self.highest + 1);
        self.highest = next;
        self.waiting.push(Line {
            id,
            from,
            ahead: if has_head_start { HEAD_START } else { 0 },
            spans: VecDeque::from([(next, 1)]),
        });
        Slot(next)
    }

    /// Whether a flow has this place, and its turn is yet to come.
    pub(super) fn has(&self, id: LineId, slot: Slot) -> bool {
        let mut lines = self.waiting.iter().filter(|line| line.id == id);
        lines.any(|line| line.has(slot.0))
    }

    /// Gives up these places in a line: what comes after them in it, and in others, comes so much earlier.
    pub(super) fn leave(&mut self, id: LineId, slots: &[Slot]) {
        let mut numbers: Vec<_> = slots.iter().map(|slot| slot.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for line in self.waiting.iter_mut().filter(|line| line.id == id) {
            line.leave(&numbers);
        }
        self.waiting.retain(|line| !line.spans.is_empty());
    }

    /// Serves the next, if its turn comes until then.
    fn serve(&mut self, turns: &mut Turns, pace: Pace, until: i64) -> Option<Served> {
        let earliest = self.waiting.iter().map(|line| line.from).min()?;
        let at = turns.next(pace, earliest);
        if at > until {
            return None;
        }
        let index = self.waiting.iter().position(|line| line.from <= at)?;
        let line = &mut self.waiting[index];
        let served = Served {
            line: line.id,
            slot: Slot(line.serve()?),
            at,
        };
        turns.use_at(pace, at);
        line.from = 0;
        line.ahead = line.ahead.saturating_sub(1);
        let is_done = line.spans.is_empty();
        let goes_on = !line.ahead.is_multiple_of(AT_ONCE);
        if is_done {
            self.waiting.remove(index);
        } else if !goes_on {
            // It is the last of those that wait now.
            self.waiting[index..].rotate_left(1);
        }
        Some(served)
    }
}
