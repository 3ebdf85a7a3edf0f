//! The calls of one process at a gate, and its flows that wait for a place, by their tenants.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::pacing::{LineId, Need};

#[derive(Default)]
pub(super) struct Calls {
    of: HashMap<LineId, OfTenant>,
    all: u32,
    waiting: u32,
}

#[derive(Default)]
struct OfTenant {
    calls: u32,
    waiting: u32,
    /// When the last of those looks again that wait.
    looks_at: Timestamp,
    /// When those look again that looked before.
    resting: BTreeSet<Instant>,
}

impl Calls {
    /// How many go on.
    pub(super) fn all(&self) -> u32 {
        self.all
    }

    /// How many go on or wait for a place.
    pub(super) fn wanted(&self) -> u32 {
        self.all.saturating_add(self.waiting)
    }

    pub(super) fn begin(&mut self, line: LineId) {
        self.of.entry(line).or_default().calls += 1;
        self.all += 1;
    }

    pub(super) fn end(&mut self, line: LineId) {
        self.all = self.all.saturating_sub(1);
        self.lessen(line, |of| &mut of.calls);
    }

    /// A flow waits for a place now, and if there is none, looks again then.
    pub(super) fn wait(&mut self, line: LineId, looks_at: Timestamp) {
        let of = self.of.entry(line).or_default();
        of.waiting += 1;
        of.looks_at = of.looks_at.max(looks_at);
        self.waiting += 1;
    }

    pub(super) fn wait_no_more(&mut self, line: LineId) {
        self.waiting = self.waiting.saturating_sub(1);
        self.lessen(line, |of| &mut of.waiting);
    }

    /// A flow was given no place, and looks again then: here, or in another process.
    pub(super) fn rest(&mut self, line: LineId, until: Instant) {
        let now = Instant::now();
        // Tenants come seldom to a gate, and flows look often.
        self.of
            .retain(|other, of| *other == line || of.is_there(now));
        let of = self.of.entry(line).or_default();
        of.is_there(now);
        of.resting.insert(until);
    }

    /// How many flows of a tenant rest that looked here.
    pub(super) fn resting(&mut self, line: LineId) -> u32 {
        let Some(of) = self.of.get_mut(&line) else {
            return 0;
        };
        of.is_there(Instant::now());
        u32::try_from(of.resting.len()).unwrap_or(u32::MAX)
    }

    /// How many calls go on of each tenant.
    pub(super) fn by_tenant(&self) -> Vec<(LineId, u32)> {
        let calls = self.of.iter().filter(|(_, of)| of.calls > 0);
        calls.map(|(line, of)| (*line, of.calls)).collect()
    }

    /// What each tenant needs.
    pub(super) fn needs(&self) -> Vec<Need> {
        let now = Instant::now();
        let needs = self.of.iter().map(|(line, of)| Need {
            line: *line,
            calls: of.calls,
            waiting: of.waiting,
            looks_at: of.looks_at,
            others_rest: of.resting.last().is_some_and(|last| *last > now),
        });
        needs.filter(|need| need.calls + need.waiting > 0).collect()
    }

    fn lessen(&mut self, line: LineId, number: impl Fn(&mut OfTenant) -> &mut u32) {
        if let Some(of) = self.of.get_mut(&line) {
            let number = number(of);
            *number = number.saturating_sub(1);
            if of.waiting == 0 {
                of.looks_at = Timestamp::default();
            }
            if !of.is_there(Instant::now()) {
                self.of.remove(&line);
            }
        }
    }
}

impl OfTenant {
    /// Whether anything of the tenant is here, or will be.
    fn is_there(&mut self, now: Instant) -> bool {
        while self.resting.first().is_some_and(|first| *first <= now) {
            self.resting.pop_first();
        }
        self.calls > 0 || self.waiting > 0 || !self.resting.is_empty()
    }
}
