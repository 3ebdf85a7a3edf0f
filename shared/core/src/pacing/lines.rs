//! Whose turn is next: a line for each tenant before a gate, served one after the other.
//!
//! Nobody's time is fixed when they come: the next turn is that of the line whose turn it is then, so that thousands of one
//! tenant do not stand before one of another. Whoever has the row can tell when each turn comes, as far as nobody else
//! comes: time alone moves the lines on, and no write.

mod line;

use std::collections::{HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use self::line::Line;
use super::turns::{Pace, Turns};
use crate::{Sha256Digest, TenantId};

/// So many turns of a line that begins to wait beside others are its head start, of which it has [`AT_ONCE`] where they have
/// one: ten assets take less than twice as long as alone, however many of one tenant wait.
pub(super) const HEAD_START: u32 = 9;
pub(super) const AT_ONCE: u32 = 3;
/// How many tenants have lines at the same time at the most: whoever else comes asks again later. A line is some 45 bytes of
/// the row.
const MOST_LINES: usize = 64;

/// The line of a tenant. Two tenants may share one, if hardly ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
/// [`Gate::times_of`](super::Gate::times_of) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(i64);

impl Slot {
    /// How many turns this one comes after another of the same line, at the least.
    pub(super) fn turns_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0).max(0)
    }
}

/// The lines before a gate. In JSON a list, which is short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, VecDeque<Line>)", into = "(i64, VecDeque<Line>)")]
pub(super) struct Lines {
    /// The highest number that was handed out.
    highest: i64,
    /// In the order in which they are served.
    waiting: VecDeque<Line>,
}

impl From<(i64, VecDeque<Line>)> for Lines {
    fn from((highest, waiting): (i64, VecDeque<Line>)) -> Self {
        Self { highest, waiting }
    }
}

impl From<Lines> for (i64, VecDeque<Line>) {
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

    /// The last place in the last line of this tenant, if one waits.
    pub(super) fn last_of(&self, id: LineId) -> Option<Slot> {
        self.lines_of(id).map(Line::last).max()
    }

    /// The first place in the line of this tenant that was given up.
    pub(super) fn vacant_in(&self, id: LineId) -> Option<Slot> {
        let vacant = self.lines_of(id).filter_map(|line| line.vacant.front());
        vacant.map(|(first, _)| Slot(*first)).min()
    }

    /// Whether a flow of this tenant may come: to its line, or to one that begins.
    pub(super) fn have_room_for(&self, id: LineId) -> bool {
        let tenants: HashSet<_> = self.waiting.iter().map(|line| line.id).collect();
        tenants.len() < MOST_LINES || tenants.contains(&id)
    }

    /// How many lines of this tenant wait, or did a moment ago.
    pub(super) fn of(&self, id: LineId) -> usize {
        self.lines_of(id).count()
    }

    fn lines_of(&self, id: LineId) -> impl Iterator<Item = &Line> {
        self.waiting.iter().filter(move |line| line.id == id)
    }

    /// The line of this tenant that ends with this place.
    fn ending_with(&mut self, id: LineId, last: Slot) -> Option<&mut Line> {
        let ends = |line: &&mut Line| line.id == id && line.last() == last;
        self.waiting.iter_mut().find(ends)
    }

    /// Notes whether the flow that came last to this line had its turn, as all before it.
    pub(super) fn note_used(&mut self, id: LineId, last: Slot, used: bool) {
        if let Some(line) = self.ending_with(id, last) {
            line.used = used;
        }
    }

    /// Moves on by the turns until then for which nobody looks any more, as far as those come first.
    pub(super) fn move_past_used(&mut self, turns: &mut Turns, pace: Pace, until: i64) {
        while let Some((at, index)) = self.next(turns, pace)
            && at <= until
            && self.waiting[index].used
        {
            self.serve_at(turns, pace, at, index);
        }
    }

    /// Takes away what was given up at the ends of lines, where no other line has a turn after it, which would come sooner.
    pub(super) fn shorten(&mut self) {
        for index in 0..self.waiting.len() {
            let others = self.waiting.iter().enumerate();
            let others = others.filter(|(other, _)| *other != index);
            let mut rounds = 0;
            for (_, other) in others {
                if other.from != 0 {
                    return;
                }
                rounds = rounds.max(other.length);
            }
            // Where it has a head start, its turns come that much before those of the same round.
            let line = &mut self.waiting[index];
            let kept = if rounds == 0 { 0 } else { rounds + HEAD_START };
            line.shorten_to(kept);
        }
        self.waiting.retain(|line| line.length > 0);
    }

    /// Nobody has a place any more.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Whether other lines than this wait.
    pub(super) fn others_wait(&self, id: LineId) -> bool {
        self.waiting.iter().any(|line| line.id != id)
    }

    /// About when the last of their turns is over, if the first comes from then on.
    pub(super) fn over_by(&self, turns: &Turns, pace: Pace, from: i64) -> i64 {
        let waiting = self.waiting.iter().map(|line| i64::from(line.length));
        turns.after(pace, from, waiting.fold(0, i64::saturating_add))
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

    /// Puts a flow into a place that was given up.
    pub(super) fn fill(&mut self, id: LineId, slot: Slot) {
        let within = |line: &&mut Line| line.id == id && line.has(slot);
        if let Some(line) = self.waiting.iter_mut().find(within) {
            // What is before it has passed.
            line.forget_vacant(slot.0);
        }
    }

    /// Puts a flow behind this place, which MUST be the last of its line.
    pub(super) fn follow(&mut self, id: LineId, last: Slot) -> Slot {
        if let Some(line) = self.ending_with(id, last) {
            line.length = line.length.saturating_add(1);
            line.used = false;
        }
        let slot = last.0.saturating_add(1);
        self.highest = self.highest.max(slot);
        Slot(slot)
    }

    /// Begins a line with one flow, which has its first turn from then on.
    pub(super) fn begin(&mut self, id: LineId, from: i64, has_head_start: bool) -> Slot {
        // In milliseconds, so that no number of an earlier line comes again, nor one of a version in which it was a time in
        // microseconds.
        let slot = Slot(from.div_euclid(1_000).max(self.highest + 1));
        self.begin_with(id, slot, from, has_head_start);
        slot
    }

    /// The same with this number.
    pub(super) fn begin_with(&mut self, id: LineId, slot: Slot, from: i64, has_head_start: bool) {
        self.highest = self.highest.max(slot.0);
        self.waiting.push_back(Line {
            id,
            next: slot.0,
            length: 1,
            from,
            ahead: if has_head_start { HEAD_START } else { 0 },
            used: false,
            vacant: VecDeque::new(),
        });
    }

    /// Puts a flow behind those of the tenant that had their turns as they came, at this very time.
    pub(super) fn follow_used(&mut self, id: LineId, from: i64) -> Option<Slot> {
        let last = self.last_of(id)?;
        let line = self.ending_with(id, last)?;
        (line.used && line.from == from).then(|| self.follow(id, last))
    }

    /// Whether a flow has this place, and its turn is yet to come.
    pub(super) fn has(&self, id: LineId, slot: Slot) -> bool {
        self.lines_of(id).any(|line| line.has(slot))
    }

    /// Gives up these places in a line. Nobody's turn comes sooner for it, who would miss it: they are for who comes next
    /// to that line.
    pub(super) fn leave(&mut self, id: LineId, slots: &[Slot]) {
        let mut numbers: Vec<_> = slots.iter().map(|slot| slot.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for line in self.waiting.iter_mut().filter(|line| line.id == id) {
            line.vacate(&numbers);
        }
    }

    /// Serves the next, if its turn comes until then.
    fn serve(&mut self, turns: &mut Turns, pace: Pace, until: i64) -> Option<Served> {
        let (at, index) = self.next(turns, pace)?;
        (at <= until).then(|| self.serve_at(turns, pace, at, index))
    }

    /// When the next turn is, and which line has it.
    fn next(&self, turns: &Turns, pace: Pace) -> Option<(i64, usize)> {
        // Mostly the first has been served before.
        let earliest = match self.waiting.front()? {
            Line { from: 0, .. } => 0,
            _ => self.waiting.iter().map(|line| line.from).min()?,
        };
        let at = turns.next(pace, earliest);
        let index = self.waiting.iter().position(|line| line.from <= at)?;
        Some((at, index))
    }

    fn serve_at(&mut self, turns: &mut Turns, pace: Pace, at: i64, index: usize) -> Served {
        turns.use_at(pace, at);
        let line = &mut self.waiting[index];
        let served = Served {
            line: line.id,
            slot: line.serve(),
            at,
        };
        if line.length == 0 {
            self.waiting.remove(index);
        } else if line.ahead.is_multiple_of(AT_ONCE)
            && let Some(line) = self.waiting.remove(index)
        {
            // It is the last of those that wait now.
            self.waiting.push_back(line);
        }
        served
    }
}
