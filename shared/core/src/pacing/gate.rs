//! The gate of an operation: who may pass, and when.

mod concurrency;
mod lines;
mod outage;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lines::Lines;
use super::places::Places;
use super::sharing::Sharing;
use super::turns::{Pace, Turns, micros};
use super::{Limits, LineId, Rate, Slot};
use crate::Wait;
use lines::Turn;
pub use outage::{FoundBy, Outage, Pause};

/// How soon who waits for somebody else looks again: for the end of a probe, for whoever paused the operation.
const LOOK_AT_PROBE: Duration = Duration::from_secs(5);
const LOOK_AT_PAUSE: Duration = Duration::from_secs(20);
/// How soon who stands too far behind to know when its turn comes looks again, at the least.
const LOOK_BEHIND: Duration = Duration::from_secs(5);
/// The most that is added to a time to look, lest all look at once.
pub(crate) const SPREAD: Duration = Duration::from_secs(8);
/// By how much two clocks may differ before one of them has jumped.
pub(crate) const SKEW: Duration = Duration::from_secs(5);
/// How late a flow may come for its slot, as a divisor of the time of the rate, within bounds.
const LATE: u32 = 50;
const LATE_AT_LEAST: Duration = Duration::from_millis(50);
const LATE_AT_MOST: Duration = Duration::from_secs(5);
/// A request for patience that adds no more than this moves nobody.
const WORTH_MOVING: i64 = 1_000_000;
/// The longest that a vendor is left alone because it asked for it: as long as a flow waits for one that is down. Who asks
/// for more, by mistake or not, is asked again then.
const LEFT_ALONE_AT_MOST: Duration = Duration::from_hours(24);

/// The gate of an operation, as all its workers share it. A new one is open.
///
/// Turns stand on a time line of its own, which is the time of day less a `shift`: what makes everybody
/// wait (an outage, a pause, a vendor that asks for patience) moves the whole line on and changes nobody's place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Counts its changes: the same number is the same gate. 0 is one that nobody changed yet. Adapters alone set it.
    #[serde(default)]
    pub revision: u64,
    /// The latest time of a change. All times are microseconds since 1970.
    #[serde(default)]
    seen: i64,
    /// The time of day less the time of turns.
    #[serde(default)]
    shift: i64,
    /// Since when the line stands still, and nobody knows until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    still_since: Option<i64>,
    /// The turns that were used, up to a moment ago: who comes a little late still finds when its own was.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    turns: Turns,
    /// In a row of a version without lines, the turns that it had handed out, also those that come.
    #[serde(default, rename = "slots", skip_serializing_if = "Option::is_none")]
    handed_out: Option<Turns>,
    /// At which they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pace: Option<Pace>,
    /// Who waits for the next ones.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    lines: Lines,
    /// About when the last turn is over that somebody waits for.
    #[serde(default, rename = "busy", skip_serializing_if = "is_none_yet")]
    busy_until: i64,
    /// The vendor is left alone until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttled_until: Option<i64>,
    /// The vendor is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outage: Option<Outage>,
    /// An operator stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused: Option<Pause>,
    /// Who holds places for calls.
    #[serde(default, skip_serializing_if = "Places::is_empty")]
    places: Places,
    /// For whom, where tenants wait for them.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    sharing: Sharing,
}

/// How the gate lets nobody, one, or everybody pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Whoever has a slot, where those are needed.
    Closed,
    /// Nobody, or nobody of one tenant: the vendor is down, or asked for patience.
    Open,
    /// One flow asks the vendor whether it is back.
    Probing,
    /// Nobody: an operator stopped it.
    Paused,
}

/// What a flow is told that comes to the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It may pass.
    Pass,
    /// It needs a slot, or another one.
    TakeSlot,
    /// It may ask whether the vendor is back, if nobody else does.
    Probe,
    /// It waits.
    Wait {
        /// For what.
        reason: Wait,
        /// Until then at the least.
        until: Timestamp,
    },
}

impl Gate {
    /// What a flow of this line is told that comes `now`, and was handed `slot`, if any.
    pub fn look(&self, limits: &Limits, line: LineId, slot: Option<Slot>, now: Timestamp) -> Look {
        let at = now.as_microsecond();
        let wait = |reason, until: i64| Look::Wait {
            reason,
            until: time(until),
        };
        let turn = match (&limits.rate, slot) {
            (Some(rate), Some(slot)) => self.turn_of(rate, line, slot, now),
            _ => None,
        };
        let own = match turn {
            Some(Turn::At(own)) => self.real(own, at),
            Some(Turn::After(last)) => self.real(last, at).max(at + micros(LOOK_BEHIND)),
            None => at,
        };
        if self.paused.is_some() {
            return wait(Wait::Paused, own.max(at + micros(LOOK_AT_PAUSE)));
        }
        if let Some(outage) = self.outage.as_ref().filter(|it| it.holds_up(line)) {
            if outage.probing_until.is_some_and(|until| until > at) {
                return wait(Wait::VendorDown, own.max(at + micros(LOOK_AT_PROBE)));
            }
            if outage.probe_at <= at {
                return Look::Probe;
            }
            return wait(Wait::VendorDown, own.max(outage.probe_at));
        }
        let Some(rate) = &limits.rate else {
            return match self.throttled_until {
                Some(until) if until > at => wait(Wait::Rate, until),
                _ => Look::Pass,
            };
        };
        if turn.is_none() {
            return Look::TakeSlot;
        }
        let own = own.max(self.throttled_until.unwrap_or(own));
        if own > at {
            wait(Wait::Rate, own)
        } else if at - own > latest(rate) {
            Look::TakeSlot
        } else {
            Look::Pass
        }
    }

    /// The vendor asks to be left alone until then: everybody's turns move, by a day at the most.
    pub fn throttled(&mut self, until: Timestamp, now: Timestamp) {
        let now_at = now.as_microsecond();
        let until = until.as_microsecond();
        let until = until.min(now_at + micros(LEFT_ALONE_AT_MOST));
        let from = self
            .throttled_until
            .map_or(now_at, |before| before.max(now_at));
        if until - from < WORTH_MOVING {
            return;
        }
        self.meet(now);
        // Also while the line stands still: what waits too long for it is no harm, and turns that come together are.
        self.shift += until - from;
        self.throttled_until = Some(until);
    }

    /// A clock jumped by so much, in microseconds: all times of day in it jump along.
    pub fn turn(&mut self, by: i64) {
        let turned = |at: &mut i64| *at = at.saturating_add(by);
        turned(&mut self.seen);
        turned(&mut self.shift);
        self.places.turn(by);
        self.sharing.turn(by);
        self.still_since.iter_mut().for_each(turned);
        self.throttled_until.iter_mut().for_each(turned);
        if let Some(outage) = &mut self.outage {
            turned(&mut outage.since);
            turned(&mut outage.probe_at);
            outage.probing_until.iter_mut().for_each(turned);
        }
        if let Some(paused) = &mut self.paused {
            turned(&mut paused.since);
        }
    }

    /// Whether the clock of whoever changed it last was ahead of `now` by more than clocks differ.
    pub fn is_ahead_of(&self, now: Timestamp) -> bool {
        self.seen - now.as_microsecond() > micros(SKEW)
    }

    /// Follows a clock that was set back.
    pub fn meet(&mut self, now: Timestamp) {
        if self.is_ahead_of(now) {
            self.turn(now.as_microsecond() - self.seen);
        }
        self.seen = self.seen.max(now.as_microsecond());
    }

    /// How it admits flows.
    pub fn admission(&self, now: Timestamp) -> Admission {
        let now = now.as_microsecond();
        let after = |until: Option<i64>| until.is_some_and(|until| until > now);
        match &self.outage {
            _ if self.paused.is_some() => Admission::Paused,
            Some(outage) if after(outage.probing_until) => Admission::Probing,
            Some(_) => Admission::Open,
            None if after(self.throttled_until) => Admission::Open,
            None => Admission::Closed,
        }
    }

    /// Until when the vendor asked to be left alone, if that is after `now`.
    pub fn throttled_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.throttled_until.map(time).filter(|until| *until > now)
    }
}

/// Whether a part of a gate is as in a new one: then it is not in the row.
fn is_none_yet<T: Default + PartialEq>(part: &T) -> bool {
    *part == T::default()
}

/// How late a flow may come for its turn.
pub(crate) fn lateness(rate: &Rate) -> Duration {
    (rate.per() / LATE).clamp(LATE_AT_LEAST, LATE_AT_MOST)
}

fn latest(rate: &Rate) -> i64 {
    micros(lateness(rate))
}

fn time(at: i64) -> Timestamp {
    Timestamp::from_microsecond(at).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
