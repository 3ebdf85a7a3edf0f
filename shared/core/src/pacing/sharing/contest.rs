//! Who would be given the places that are free, one after the other.

use super::super::LineId;
use super::super::lines::AT_ONCE;
use super::super::places::Places;
use super::Sharing;

/// The tenants that wait for places, and those that may.
pub(super) struct Contest {
    tenants: Vec<Contender>,
    last_served: u64,
}

struct Contender {
    line: LineId,
    calls: u32,
    served: u64,
    ahead: u32,
    /// How many flows wait in the process that asks.
    here: u32,
    /// How many places are left for others.
    elsewhere: u32,
}

/// What is left of the head start of a tenant that is served, and when it was served last.
pub(super) fn served(ahead: u32, before: u64, next: u64) -> (u32, u64) {
    let ahead = ahead.saturating_sub(1);
    if ahead.is_multiple_of(AT_ONCE) {
        (ahead, next)
    } else {
        (ahead, before)
    }
}

impl Contender {
    /// The least is next. While it has a head start, so many of its calls count as one.
    fn rank(&self) -> (u32, u64) {
        let calls = match self.ahead {
            0 => self.calls,
            _ => self.calls / AT_ONCE,
        };
        (calls, self.served)
    }
}

impl Contest {
    /// Of those that wait `now`. `own` are the calls of the process that asks, and `others` the places that others hold.
    pub(super) fn new(sharing: &Sharing, others: &Places, own: &[(LineId, u32)], now: i64) -> Self {
        let mut contest = Self {
            tenants: Vec::new(),
            last_served: sharing.last_served(),
        };
        for waiting in &sharing.waiting {
            contest.tenants.push(Contender {
                line: waiting.line,
                calls: 0,
                served: waiting.served,
                ahead: waiting.ahead,
                here: 0,
                elsewhere: if waiting.waits(now) { waiting.wants } else { 0 },
            });
        }
        for (process, places) in others.by_holder() {
            if let Some(of) = sharing.listed(process) {
                for (line, calls) in of {
                    contest.count(*line, *calls);
                }
            } else if let Some(line) = sharing.unlisted {
                contest.count(line, places);
            }
        }
        for (line, calls) in own {
            contest.count(*line, *calls);
        }
        contest
    }

    /// So many flows of a tenant wait in the process that asks: of what is left for it, they are the first.
    pub(super) fn join(&mut self, line: LineId, here: u32) {
        let contender = self.contender(line);
        contender.here = here;
        contender.elsewhere = contender.elsewhere.saturating_sub(here);
    }

    /// Who is next.
    pub(super) fn next(&self) -> Option<LineId> {
        let waiting = self.tenants.iter();
        let waiting = waiting.filter(|tenant| tenant.here + tenant.elsewhere > 0);
        Some(waiting.min_by_key(|tenant| tenant.rank())?.line)
    }

    /// Gives out so many places: to whom, and whether its flow waits here. Others are left for those elsewhere.
    pub(super) fn give(mut self, free: u32) -> impl Iterator<Item = (LineId, bool)> {
        (0..free).map_while(move |_| self.give_one())
    }

    fn give_one(&mut self) -> Option<(LineId, bool)> {
        let line = self.next()?;
        let next = self.last_served.saturating_add(1);
        self.last_served = next;
        let contender = self.contender(line);
        contender.calls = contender.calls.saturating_add(1);
        (contender.ahead, contender.served) = served(contender.ahead, contender.served, next);
        if contender.here > 0 {
            contender.here -= 1;
            return Some((line, true));
        }
        contender.elsewhere -= 1;
        Some((line, false))
    }

    fn count(&mut self, line: LineId, calls: u32) {
        let contender = self.contender(line);
        contender.calls = contender.calls.saturating_add(calls);
    }

    fn contender(&mut self, line: LineId) -> &mut Contender {
        let known = self.tenants.iter().position(|tenant| tenant.line == line);
        // Who never waited comes after those that do, where both have as much.
        let served = self.last_served;
        let at = known.unwrap_or_else(|| {
            self.tenants.push(Contender {
                line,
                calls: 0,
                served,
                ahead: 0,
                here: 0,
                elsewhere: 0,
            });
            self.tenants.len() - 1
        });
        &mut self.tenants[at]
    }
}
