//! The calls of one process at a gate, and its flows that wait for a place, by their tenants.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::pacing::{LineId, Need, calls_of};

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
    /// How many of those look for the first time.
    new: u32,
    /// When the last of them looks again.
    looks_at: Timestamp,
    /// How many of them were given a place, and have not begun their calls.
    given: u32,
    /// When those look again that looked before.
    resting: BTreeSet<Instant>,
}

/// A flow that waits for a place to be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiter {
    pub(super) of: LineId,
    /// Whether it looks for the first time.
    pub(super) is_new: bool,
    /// When it looks again, if there is none.
    pub(super) looks_at: Timestamp,
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

    /// How many go on, and how many flows were given a place and have not begun.
    pub(super) fn taken(&self) -> u32 {
        let given = self.of.values().map(|of| of.given);
        given.fold(self.all, u32::saturating_add)
    }

    pub(super) fn begin(&mut self, line: LineId) {
        self.of.entry(line).or_default().calls += 1;
        self.all += 1;
    }

    pub(super) fn end(&mut self, line: LineId) {
        self.all = self.all.saturating_sub(1);
        self.lessen(line, |of| of.calls = of.calls.saturating_sub(1));
    }

    pub(super) fn wait(&mut self, waiter: Waiter) {
        let of = self.of.entry(waiter.of).or_default();
        of.waiting += 1;
        of.new += u32::from(waiter.is_new);
        of.looks_at = of.looks_at.max(waiter.looks_at);
        self.waiting += 1;
    }

    pub(super) fn wait_no_more(&mut self, waiter: Waiter) {
        self.waiting = self.waiting.saturating_sub(1);
        self.lessen(waiter.of, |of| {
            of.waiting = of.waiting.saturating_sub(1);
            of.new = of.new.saturating_sub(u32::from(waiter.is_new));
            of.given = of.given.min(of.waiting);
            if of.waiting == 0 {
                of.looks_at = Timestamp::default();
            }
        });
    }

    /// The process has places for so many calls of each tenant: what is more than go on is for those that wait.
    pub(super) fn give(&mut self, held: &[(LineId, u32)]) {
        for (line, of) in &mut self.of {
            let held = calls_of(held, *line);
            of.given = held.saturating_sub(of.calls).min(of.waiting);
        }
    }

    /// Takes a place that was given to a flow of this tenant that waits, if there is one: whether there was.
    pub(super) fn take_given(&mut self, line: LineId) -> bool {
        match self.of.get_mut(&line) {
            Some(of) if of.given > 0 => {
                of.given -= 1;
                true
            }
            _ => false,
        }
    }

    /// A flow was given no place, and looks again then: here, or in another process.
    pub(super) fn rest(&mut self, line: LineId, until: Instant) {
        let now = Instant::now();
        if !self.of.contains_key(&line) {
            // Tenants come seldom.
            self.of.retain(|_, of| {
                of.forget(now);
                of.is_there()
            });
        }
        let of = self.of.entry(line).or_default();
        of.forget(now);
        of.resting.insert(until);
    }

    /// How many flows of a tenant rest that looked here.
    pub(super) fn resting(&mut self, line: LineId) -> u32 {
        let Some(of) = self.of.get_mut(&line) else {
            return 0;
        };
        of.forget(Instant::now());
        of.resting()
    }

    /// How many flows of a tenant wait now, or looked here and rest.
    pub(super) fn waiting_or_resting(&mut self, line: LineId) -> u32 {
        let Some(of) = self.of.get(&line) else {
            return 0;
        };
        let now = Instant::now();
        let resting = of.resting.range(now..).count();
        of.waiting
            .saturating_add(u32::try_from(resting).unwrap_or(u32::MAX))
    }

    /// How many calls go on of each tenant.
    pub(super) fn by_tenant(&self) -> Vec<(LineId, u32)> {
        let calls = self.of.iter().filter(|(_, of)| of.calls > 0);
        calls.map(|(line, of)| (*line, of.calls)).collect()
    }

    /// What each tenant needs.
    pub(super) fn needs(&mut self) -> Vec<Need> {
        let now = Instant::now();
        let needs = self.of.iter_mut().map(|(line, of)| {
            of.forget(now);
            Need {
                line: *line,
                calls: of.calls,
                waiting: of.waiting,
                new: of.new,
                resting: of.resting(),
                looks_at: of.looks_at,
            }
        });
        needs.filter(|need| need.calls + need.waiting > 0).collect()
    }

    fn lessen(&mut self, line: LineId, change: impl Fn(&mut OfTenant)) {
        if let Some(of) = self.of.get_mut(&line) {
            change(of);
            of.forget(Instant::now());
            if !of.is_there() {
                self.of.remove(&line);
            }
        }
    }
}

impl OfTenant {
    /// Forgets those that have looked again.
    fn forget(&mut self, now: Instant) {
        while self.resting.first().is_some_and(|first| *first <= now) {
            self.resting.pop_first();
        }
    }

    fn resting(&self) -> u32 {
        u32::try_from(self.resting.len()).unwrap_or(u32::MAX)
    }

    /// Whether anything of the tenant is here, or will be.
    fn is_there(&self) -> bool {
        self.calls > 0 || self.waiting > 0 || !self.resting.is_empty()
    }
}
