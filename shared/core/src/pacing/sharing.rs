//! Whose the places for calls are, where several processes hold them: the next is the tenant's that has least.
//!
//! Whoever waits sleeps in the queue and looks again and again, so that nobody can be called. What the row has instead is
//! which tenants wait, for how many places: so many are left for those that have less, and looked for soon.

mod contest;

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::contest::Contest;
use super::LineId;
use super::lines::HEAD_START;
use super::places::{Places, ProcessId};
use super::places_needed::{Need, PlacesNeeded, calls_of, total};
use super::turns::micros;

/// How many tenants are known to wait at the most. Whoever else comes takes a place where it finds one that is left.
const MOST_WAITING: usize = 64;
/// How late a flow may look after the time that it was to look at: SQS counts whole seconds.
const LOOKS_LATE: Duration = Duration::from_secs(2);
/// For how long more than that a tenant is noted to wait, so that not each look of thousands is a write.
const NOTED_AHEAD: Duration = Duration::from_secs(6);
/// For how long after that it is known when a tenant was served, and what is left of its head start: who sends one flow
/// after the other comes anew each time.
const REMEMBERED: Duration = Duration::from_secs(30);

/// Whose the places are that processes hold, and who waits for one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sharing {
    /// Whose those are of processes that are not listed: mostly one tenant has all.
    #[serde(default, rename = "of", skip_serializing_if = "Option::is_none")]
    unlisted: Option<LineId>,
    /// For how many calls of which tenants processes hold places, in the order of both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    held: Vec<(ProcessId, Vec<(LineId, u32)>)>,
    /// The tenants that wait, or did a while ago.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<Waiting>,
}

/// A tenant that waits. In JSON a list, which is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "InRow", into = "InRow")]
struct Waiting {
    line: LineId,
    /// How many places are left for it, where it has less than others.
    wants: u32,
    /// Its flows have looked by then, if they still wait.
    until: i64,
    /// When it was served last, in the order of that.
    served: u64,
    /// What is left of its head start.
    ahead: u32,
}

type InRow = (LineId, u32, i64, u64, u32);

impl From<InRow> for Waiting {
    fn from((line, wants, until, served, ahead): InRow) -> Self {
        Self {
            line,
            wants,
            until,
            served,
            ahead,
        }
    }
}

impl From<Waiting> for InRow {
    fn from(waiting: Waiting) -> Self {
        let Waiting {
            line,
            wants,
            until,
            served,
            ahead,
        } = waiting;
        (line, wants, until, served, ahead)
    }
}

impl Waiting {
    fn waits(&self, now: i64) -> bool {
        self.wants > 0 && self.until > now
    }
}

impl Sharing {
    /// Forgets what processes had that hold no places any more, and who waited long ago.
    pub(super) fn forget(&mut self, places: &Places, now: i64) {
        let holds = |process| places.held_by(process).is_some();
        self.held.retain(|(process, _)| holds(*process));
        self.waiting
            .retain(|waiting| waiting.until.saturating_add(micros(REMEMBERED)) > now);
    }

    /// Gives out so many places to what a process needs, which are all that others left, and notes who waits for more.
    /// `others` are the places without its own. For how many calls of each tenant it has places then.
    pub(super) fn give(
        &mut self,
        needed: &PlacesNeeded,
        left: u32,
        others: &Places,
        now: i64,
    ) -> Vec<(LineId, u32)> {
        let own: Vec<_> = needed
            .of
            .iter()
            .map(|need| (need.line, need.calls))
            .collect();
        let mut contest = Contest::new(self, others, &own, now);
        for need in &needed.of {
            contest.join(need.line, need.waiting);
        }
        let calls = total(&own);
        let given = contest.give(left.saturating_sub(calls));
        let given: Vec<_> = given.filter_map(|(to, here)| here.then_some(to)).collect();
        for line in &given {
            self.serve(*line, now);
        }
        let given_to = |line| u32::try_from(given.iter().filter(|to| **to == line).count());
        let mut own = Vec::with_capacity(needed.of.len());
        for need in &needed.of {
            let given = given_to(need.line).unwrap_or(u32::MAX);
            self.note(need, given, needed.most, now);
            if need.calls.saturating_add(given) > 0 {
                own.push((need.line, need.calls + given));
            }
        }
        own.sort_unstable();
        own
    }

    /// Whether a process with these calls may have a flow of this tenant call in a place that it holds and that none of
    /// them needs, without a word: where others wait, it MUST count as this tenant's for them, and be given to it anew.
    pub(super) fn may_use_kept(
        &self,
        line: LineId,
        process: ProcessId,
        calls: &[(LineId, u32)],
        places: &Places,
        most: NonZeroU32,
        now: i64,
    ) -> bool {
        if !self.others_wait(line, now) {
            return true;
        }
        let counted = match self.listed(process) {
            Some(of) => calls_of(of, line),
            None if self.unlisted == Some(line) => {
                places.held_by(process).map_or(0, |(held, _)| held)
            }
            None => 0,
        };
        counted > calls_of(calls, line)
            && self.would_be_given((line, 1), process, calls, places, most, now)
    }

    /// Whether one of so many flows of a tenant that wait in a process with these calls would be given a place, if the process
    /// gave back first what none of its calls needs.
    pub(super) fn would_be_given(
        &self,
        (line, here): (LineId, u32),
        process: ProcessId,
        calls: &[(LineId, u32)],
        places: &Places,
        most: NonZeroU32,
        now: i64,
    ) -> bool {
        if !self.others_wait(line, now) {
            return true;
        }
        let mut others = places.without(process);
        others.forget(now);
        let free = others.free(most, now).saturating_sub(total(calls));
        let mut contest = Contest::new(self, &others, calls, now);
        contest.join(line, here);
        contest.give(free).any(|given| given == (line, true))
    }

    /// Whether this tenant waits beside others, and the next place is its own.
    pub(super) fn is_next(&self, line: LineId, places: &Places, now: i64) -> bool {
        let mut places = places.clone();
        places.forget(now);
        self.others_wait(line, now) && Contest::new(self, &places, &[], now).next() == Some(line)
    }

    /// The clock jumped by so much.
    pub(super) fn turn(&mut self, by: i64) {
        for waiting in &mut self.waiting {
            waiting.until = waiting.until.saturating_add(by);
        }
    }

    /// Whether another tenant waits for places.
    pub(super) fn others_wait(&self, line: LineId, now: i64) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|waiting| waiting.line != line && waiting.waits(now))
    }

    fn last_served(&self) -> u64 {
        let served = self.waiting.iter().map(|waiting| waiting.served);
        served.max().unwrap_or(1)
    }

    /// A flow of this tenant was given a place, which counts where others wait.
    fn serve(&mut self, line: LineId, now: i64) {
        if !self.others_wait(line, now) {
            return;
        }
        let next = self.last_served().saturating_add(1);
        if let Some(waiting) = self.entry(line, now) {
            (waiting.ahead, waiting.served) = contest::served(waiting.ahead, waiting.served, next);
        }
    }

    /// Notes what is left of what this tenant waits for, of which so many flows were given places.
    fn note(&mut self, need: &Need, given: u32, most: NonZeroU32, now: i64) {
        let still = need.waiting.saturating_sub(given);
        let beside_others = self.others_wait(need.line, now);
        let here = still.saturating_add(need.resting);
        if still == 0 {
            // Of those that look for the first time, nothing was noted.
            let noted = given.min(need.waiting.saturating_sub(need.new));
            if beside_others && let Some(waiting) = self.known_of(need.line) {
                let left = waiting.wants.saturating_sub(noted);
                waiting.wants = left.max(here).min(most.get());
            }
            return;
        }
        let looked = need.looks_at.as_microsecond().max(now) + micros(LOOKS_LATE);
        let Some(waiting) = self.entry(need.line, now) else {
            return;
        };
        let noted = if waiting.waits(now) { waiting.wants } else { 0 };
        if beside_others || noted == 0 {
            let new = noted.saturating_add(need.new.min(still));
            waiting.wants = new.max(here).min(most.get());
        }
        if waiting.until < looked {
            waiting.until = looked + micros(NOTED_AHEAD);
        }
    }

    /// Lists for whom a process holds places, in their order, unless all are the tenant's whose those are that are not
    /// listed.
    pub(super) fn list(&mut self, process: ProcessId, own: &[(LineId, u32)], others: &Places) {
        self.held.retain(|(holder, _)| *holder != process);
        let listed = |process| self.listed(process).is_some();
        match own {
            [] => return,
            [(line, _)] if self.unlisted == Some(*line) => return,
            [(line, _)] if others.by_holder().all(|(process, _)| listed(process)) => {
                self.unlisted = Some(*line);
                return;
            }
            _ => {}
        }
        let at = self.held.partition_point(|(holder, _)| *holder < process);
        self.held.insert(at, (process, own.to_vec()));
    }

    /// For how many calls of which tenants a process holds places, if it is listed.
    fn listed(&self, process: ProcessId) -> Option<&[(LineId, u32)]> {
        let listed = self.held.iter().find(|(holder, _)| *holder == process);
        listed.map(|(_, of)| &of[..])
    }

    fn known_of(&mut self, line: LineId) -> Option<&mut Waiting> {
        self.waiting.iter_mut().find(|waiting| waiting.line == line)
    }

    /// What is known of a tenant; of one of which nothing is, that it waits for nothing yet. `None` where too many are
    /// known.
    fn entry(&mut self, line: LineId, now: i64) -> Option<&mut Waiting> {
        if self.waiting.iter().all(|waiting| waiting.line != line) {
            if self.waiting.len() >= MOST_WAITING {
                let waits = |waiting: &Waiting| waiting.waits(now);
                let first = self.waiting.iter().position(|waiting| !waits(waiting))?;
                self.waiting.remove(first);
            }
            // Who comes anew is before the one that was served last, and not before those that were served long ago.
            let (before, ahead) = match self.waiting[..] {
                [] => (0, 0),
                _ => (1, HEAD_START),
            };
            let served = self.last_served().saturating_sub(before);
            self.waiting.push(Waiting {
                line,
                wants: 0,
                until: now,
                served,
                ahead,
            });
        }
        self.known_of(line)
    }
}
