//! What is known of one host: a state machine that is told the time.

use std::time::Duration;

use assetmill_core::TenantId;
use tokio::time::Instant;

use super::OriginLimits;
use super::callers::Callers;

/// The longest that a fetch waits for its turn itself: it holds a worker meanwhile.
const MOMENT: Duration = Duration::from_millis(100);
/// How long a host rests after its first refusal, unless it asked for more.
const FIRST_REST: Duration = Duration::from_secs(1);
/// The most that a rest grows to by doubling.
const LONGEST_BACKOFF: Duration = Duration::from_mins(4);
/// The longest rest, whatever the host asked for. It holds for every flow of every tenant, and many
/// may share a host: one answer must not keep them from trying for longer than they would wait.
const LONGEST_REST: Duration = Duration::from_mins(10);
/// How long the others wait for a probe to be answered before they look again.
const WHILE_PROBED: Duration = Duration::from_secs(1);
/// The furthest turn that is promised. Those that would come later come back in the second half of it
/// and see: by then the host may be quicker, or others gone.
const LONGEST_PROMISE: Duration = Duration::from_mins(10);

/// What is known of one host.
#[derive(Debug)]
pub(super) struct Host {
    /// The requests that are out, or on their way there.
    open: Vec<Open>,
    last_number: u64,
    /// When the next request may go.
    next: Instant,
    callers: Callers,
    rest: Rest,
}

#[derive(Debug)]
struct Open {
    number: u64,
    tenant: TenantId,
    /// When it was let go, or will be.
    since: Instant,
}

#[derive(Debug, Clone, Copy)]
enum Rest {
    Not,
    /// It has refused so many times in a row, and is not asked before then.
    Until {
        until: Instant,
        refusals: u32,
    },
    /// It has refused, and one request is out to see whether it still does.
    Probed {
        by: u64,
        refusals: u32,
    },
}

/// One request that would like to go.
#[derive(Clone, Copy)]
struct Asking<'a> {
    tenant: &'a TenantId,
    /// What its tenant may have of the host's limits.
    limits: &'a OriginLimits,
    now: Instant,
    share: f64,
}

/// Whether a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may, at this time, which is no more than a moment away.
    Go {
        /// What the host knows the request by.
        number: u64,
        at: Instant,
    },
    /// Not now.
    Later { why: Why, retry_after: Duration },
}

/// Why a host is not asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// As many ask it as should.
    Pace,
    /// It asked for patience.
    Rest,
}

/// How a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered.
    Answered,
    /// It was not, or the host is out of order.
    Failed,
    /// The host asked to be left alone for so long.
    Throttled(Duration),
    /// It was given up.
    Unknown,
}

impl Host {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            open: Vec::new(),
            last_number: 0,
            next: now,
            callers: Callers::default(),
            rest: Rest::Not,
        }
    }

    /// Whether a request of a tenant may go. `share` is a random number from 0 to 1.
    pub(super) fn ask(
        &mut self,
        tenant: &TenantId,
        limits: &OriginLimits,
        now: Instant,
        share: f64,
    ) -> Verdict {
        let open = &self.open;
        let out = |tenant: &TenantId| open.iter().any(|it| it.tenant == *tenant);
        let callers = self.callers.asked_by(tenant, now, out);
        let asking = Asking {
            tenant,
            limits: &limits.of_one_in(callers),
            now,
            share,
        };
        match self.rest {
            Rest::Until { until, .. } if now < until => {
                return self.later(Why::Rest, asking, until);
            }
            Rest::Probed { .. } => {
                return self.later(Why::Rest, asking, now + WHILE_PROBED);
            }
            Rest::Not | Rest::Until { .. } => {}
        }
        let own = self.open.iter().filter(|it| it.tenant == *tenant);
        if self.open.len() >= limits.connections_of_all()
            || own.clone().count() >= asking.limits.connections.get()
        {
            return self.later(Why::Pace, asking, now + MOMENT);
        }
        let at = self.next.max(now);
        // Of the turns of the next moment, one tenant leaves the others theirs.
        let waiting = own.filter(|it| it.since > now).count();
        let too_many = waiting >= asking.limits.in_a(MOMENT) && callers > 1;
        if at - now > MOMENT || too_many {
            return self.later(Why::Pace, asking, at);
        }
        self.next = at + limits.interval();
        self.last_number += 1;
        let number = self.last_number;
        self.open.push(Open {
            number,
            tenant: tenant.clone(),
            since: at,
        });
        if let Rest::Until { refusals, .. } = self.rest {
            self.rest = Rest::Probed {
                by: number,
                refusals,
            };
        }
        Verdict::Go { number, at }
    }

    /// Promises the tenant the turn that follows the last one that it was promised.
    fn later(&mut self, why: Why, asking: Asking, earliest: Instant) -> Verdict {
        let now = asking.now;
        let promised = self.callers.promised(asking.tenant).unwrap_or(now);
        let turn = promised.max(earliest) + asking.limits.pace(self.held_at(asking.tenant, now));
        let retry_after = if turn - now <= LONGEST_PROMISE {
            self.callers.promise(asking.tenant, turn);
            turn - now
        } else {
            LONGEST_PROMISE.mul_f64(0.5 + asking.share / 2.0)
        };
        Verdict::Later { why, retry_after }
    }

    /// About how long a request of the tenant is out. Those that are tell it before they end.
    fn held_at(&self, tenant: &TenantId, now: Instant) -> Duration {
        let (mut open, mut ages) = (0, Duration::ZERO);
        for it in self.open.iter().filter(|it| it.tenant == *tenant) {
            open += 1;
            ages += now.saturating_duration_since(it.since);
        }
        self.callers.held(tenant).max(ages / open.max(1))
    }

    /// Takes note of how a request went. `share` is a random number from 0 to 1.
    pub(super) fn finish(&mut self, number: u64, outcome: Outcome, now: Instant, share: f64) {
        // A turn that told how it went is dropped after it.
        let Some(place) = self.open.iter().position(|it| it.number == number) else {
            return;
        };
        let Open { since, tenant, .. } = self.open.swap_remove(place);
        let held = now.saturating_duration_since(since);
        self.callers.note_held(&tenant, held);
        self.rest = match (self.rest, outcome) {
            // The first refusal.
            (Rest::Not, Outcome::Throttled(asked)) => rest(1, asked, now, share),
            // Another of those that were out when the first was refused: it may ask for more, and is no
            // refusal of its own.
            (Rest::Until { until, refusals }, Outcome::Throttled(asked)) => Rest::Until {
                until: until.max(now + asked.min(LONGEST_REST)),
                refusals,
            },
            (Rest::Probed { by, refusals }, outcome) if by == number => match outcome {
                Outcome::Answered => Rest::Not,
                Outcome::Throttled(asked) => rest(refusals.saturating_add(1), asked, now, share),
                Outcome::Failed => rest(refusals.saturating_add(1), Duration::ZERO, now, share),
                // Somebody else may probe.
                Outcome::Unknown => Rest::Until {
                    until: now,
                    refusals,
                },
            },
            (as_it_was, _) => as_it_was,
        };
    }

    /// When its rest ends, if it rests and nobody probes it.
    pub(super) fn rests_until(&self) -> Option<Instant> {
        match self.rest {
            Rest::Until { until, .. } => Some(until),
            Rest::Not | Rest::Probed { .. } => None,
        }
    }

    /// From when on forgetting it changes nothing; `None` while requests are out.
    pub(super) fn idle_from(&self) -> Option<Instant> {
        if !self.open.is_empty() {
            return None;
        }
        let promised = self.callers.last_promised();
        let asked = promised.map_or(self.next, |it| self.next.max(it));
        // One that has refused is remembered for as long again as it could have rested: otherwise its rests
        // would not grow where it is asked seldom.
        Some(match self.rest {
            Rest::Until { until, .. } => asked.max(until + LONGEST_REST),
            Rest::Not | Rest::Probed { .. } => asked,
        })
    }
}

fn rest(refusals: u32, asked: Duration, now: Instant, share: f64) -> Rest {
    let doublings = refusals.saturating_sub(1).min(16);
    let backoff = (FIRST_REST * (1 << doublings)).min(LONGEST_BACKOFF);
    // Only ever longer: a rest is a promise to the host.
    let backoff = backoff.mul_f64(1.0 + share.clamp(0.0, 1.0) / 4.0);
    Rest::Until {
        until: now + backoff.max(asked).min(LONGEST_REST),
        refusals,
    }
}
