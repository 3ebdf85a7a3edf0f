//! Whose turn it is at a place for a call, where several processes hold them: the tenant's that has least.
//!
//! Whoever waits sleeps in the queue and looks again and again, so that nobody can be called. What the row has instead is
//! which tenants wait: while one of them has less than another, the other takes no place that becomes free.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LineId;
use super::lines::{AT_ONCE, HEAD_START};
use super::places::ProcessId;
use super::turns::micros;

/// How many tenants are known to wait at the most: whoever else comes takes a place where one is free for all of these.
const MOST_WAITING: usize = 64;
/// How late a flow may look after the time that it was to look at.
const LOOKS_LATE: Duration = Duration::from_millis(500);
/// For how long more than that a tenant is noted to wait, so that not each look of thousands is a write.
const NOTED_AHEAD: Duration = Duration::from_secs(6);
/// How long a tenant is still taken to wait when its last flow that waits in one process was given a place: others may in
/// other processes, and look within that time or say so anew. If none does, its part stands idle for so long.
const LAST_KNOWN: Duration = Duration::from_secs(3);

/// What a process needs of the places for calls at a gate.
#[derive(Debug, Clone)]
pub struct PlacesNeeded {
    /// Who needs them.
    pub process: ProcessId,
    /// How many there are for all.
    pub most: NonZeroU32,
    /// For which tenants. One that has neither calls nor flows that wait MAY be left out.
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
                    looks_at: now,
                    others_rest: false,
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
    /// When the last of them looks again that is given none.
    pub looks_at: Timestamp,
    /// Whether others of the tenant rest that looked before, in the same process.
    pub others_rest: bool,
}

/// Whose the places are that processes hold, as far as it matters, and who waits for one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sharing {
    /// Of how many tenants processes have how many calls. Not known of a process that wrote while nobody else waited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    held: Vec<(ProcessId, Vec<(LineId, u32)>)>,
    /// The tenants that wait, or did a moment ago.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<Waiting>,
}

/// A tenant that waits. In JSON a list, which is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "InRow", into = "InRow")]
struct Waiting {
    line: LineId,
    /// When it was served last, in the order of that.
    served: u64,
    /// It has looked by then, if it still waits.
    until: i64,
    /// What is left of its head start.
    ahead: u32,
}

type InRow = (LineId, u64, i64, u32);

impl From<InRow> for Waiting {
    fn from((line, served, until, ahead): InRow) -> Self {
        Self {
            line,
            served,
            until,
            ahead,
        }
    }
}

impl From<Waiting> for InRow {
    fn from(waiting: Waiting) -> Self {
        let Waiting {
            line,
            served,
            until,
            ahead,
        } = waiting;
        (line, served, until, ahead)
    }
}

/// What decides who is next: the least.
type Rank = (u32, u64);

impl Sharing {
    /// Forgets what processes have that hold no places any more, and who waits no more.
    pub(super) fn forget(&mut self, holds: impl Fn(ProcessId) -> bool, now: i64) {
        self.held.retain(|(process, _)| holds(*process));
        self.waiting.retain(|waiting| waiting.until > now);
    }

    /// Gives out so many places to what a process needs, which are all that others left, and notes who waits for more. For
    /// how many calls of each tenant the process has places then.
    pub(super) fn give(
        &mut self,
        needed: &PlacesNeeded,
        left: u32,
        now: i64,
    ) -> Vec<(LineId, u32)> {
        self.held.retain(|(process, _)| *process != needed.process);
        let mut own: Vec<_> = needed
            .of
            .iter()
            .map(|need| (need.line, need.calls))
            .collect();
        let mut waiting: Vec<_> = needed.of.iter().map(|need| need.waiting).collect();
        let calls = own
            .iter()
            .fold(0, |sum: u32, (_, calls)| sum.saturating_add(*calls));
        for _ in calls..left {
            let ranked = waiting
                .iter()
                .enumerate()
                .filter(|(_, number)| **number > 0);
            let ranked = ranked.map(|(index, _)| (self.rank(own[index].0, &own), index));
            let Some((rank, index)) = ranked.min() else {
                break;
            };
            let line = own[index].0;
            if self.another_is_before(line, rank, &own) {
                break;
            }
            own[index].1 += 1;
            waiting[index] -= 1;
            self.serve(line);
        }
        for (need, still) in needed.of.iter().zip(waiting) {
            if still > 0 {
                self.note(need.line, need.looks_at.as_microsecond(), now);
            } else if need.waiting > 0 && !need.others_rest {
                self.shorten(need.line, now + micros(LAST_KNOWN));
            }
        }
        own.retain(|(_, calls)| *calls > 0);
        if own.iter().any(|(line, _)| self.others_wait(*line, now)) {
            self.held.push((needed.process, own.clone()));
        }
        own
    }

    /// Whether a tenant waits, and it is not this one.
    pub(super) fn others_wait(&self, line: LineId, now: i64) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|waiting| waiting.line != line && waiting.until > now)
    }

    /// Whether a tenant waits that has fewer calls than this one, in a process with these.
    pub(super) fn another_has_fewer(
        &self,
        process: ProcessId,
        line: LineId,
        calls: &[(LineId, u32)],
        now: i64,
    ) -> bool {
        let mut others = self.clone();
        others.forget(|holder| holder != process, now);
        let (own, _) = others.rank(line, calls);
        others.another_is_before(line, (own, 0), calls)
    }

    /// Whether a place that is free in a process with these calls is another tenant's, and not this one's.
    pub(super) fn is_for_another(
        &self,
        process: ProcessId,
        line: LineId,
        calls: &[(LineId, u32)],
        now: i64,
    ) -> bool {
        let mut others = self.clone();
        others.forget(|holder| holder != process, now);
        others.another_is_before(line, others.rank(line, calls), calls)
    }

    /// Whether this tenant is next, beside others that wait.
    pub(super) fn is_next(
        &self,
        process: ProcessId,
        line: LineId,
        calls: &[(LineId, u32)],
        now: i64,
    ) -> bool {
        self.others_wait(line, now) && !self.is_for_another(process, line, calls, now)
    }

    /// For how many calls of a tenant a process has places, where it is known.
    pub(super) fn held_for(&self, process: ProcessId, line: LineId) -> Option<u32> {
        let mut held = self.held.iter();
        let (_, of) = held.find(|(holder, _)| *holder == process)?;
        let calls = of.iter().find(|(held_for, _)| *held_for == line);
        Some(calls.map_or(0, |(_, calls)| *calls))
    }

    /// The clock jumped by so much.
    pub(super) fn turn(&mut self, by: i64) {
        for waiting in &mut self.waiting {
            waiting.until = waiting.until.saturating_add(by);
        }
    }

    /// `own` are the calls of whoever asks, which are not in the row.
    fn rank(&self, line: LineId, own: &[(LineId, u32)]) -> Rank {
        let others = self.held.iter().flat_map(|(_, of)| of);
        let of_it = others.chain(own).filter(|(held_for, _)| *held_for == line);
        let calls = of_it.fold(0, |sum: u32, (_, calls)| sum.saturating_add(*calls));
        match self.waiting.iter().find(|waiting| waiting.line == line) {
            Some(waiting) if waiting.ahead > 0 => (calls / AT_ONCE, waiting.served),
            Some(waiting) => (calls, waiting.served),
            None => (calls, self.new_rank()),
        }
    }

    fn another_is_before(&self, line: LineId, rank: Rank, own: &[(LineId, u32)]) -> bool {
        let mut others = self.waiting.iter().filter(|waiting| waiting.line != line);
        others.any(|other| self.rank(other.line, own) < rank)
    }

    /// Who comes anew is before the one that was served last, and not before those that were served long ago.
    fn new_rank(&self) -> u64 {
        self.last_served().saturating_sub(1)
    }

    fn last_served(&self) -> u64 {
        let served = self.waiting.iter().map(|waiting| waiting.served);
        served.max().unwrap_or_default()
    }

    fn serve(&mut self, line: LineId) {
        let next = self.last_served().saturating_add(1);
        if self.waiting.len() > 1
            && let Some(waiting) = self.of(line)
        {
            waiting.ahead = waiting.ahead.saturating_sub(1);
            if waiting.ahead.is_multiple_of(AT_ONCE) {
                waiting.served = next;
            }
        }
    }

    /// A flow of this tenant waits, and looks again then.
    fn note(&mut self, line: LineId, looks_at: i64, now: i64) {
        let until = looks_at.max(now) + micros(LOOKS_LATE);
        let noted = until + micros(NOTED_AHEAD);
        let served = self.new_rank();
        let beside_others = !self.waiting.is_empty();
        if let Some(waiting) = self.of(line) {
            if waiting.until < until {
                waiting.until = noted;
            }
        } else if self.waiting.len() < MOST_WAITING {
            self.waiting.push(Waiting {
                line,
                served,
                until: noted,
                ahead: if beside_others { HEAD_START } else { 0 },
            });
        }
    }

    fn shorten(&mut self, line: LineId, until: i64) {
        if let Some(waiting) = self.of(line) {
            waiting.until = waiting.until.min(until);
        }
    }

    fn of(&mut self, line: LineId) -> Option<&mut Waiting> {
        self.waiting.iter_mut().find(|waiting| waiting.line == line)
    }
}
