//! A vendor that is down, and an operation that somebody stopped: the line stands still meanwhile.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Gate, micros, time};
use crate::pacing::LineId;
use crate::{Failure, FailureCode, TenantId};

/// How long after its beginning an outage is first looked into; twice as long each time, up to the most.
const FIRST_PROBE: Duration = Duration::from_secs(2);
const PROBE_AT_MOST: Duration = Duration::from_secs(20);
/// How long after the end of an outage or a pause the line moves on: until then, all who stand at its head have
/// looked. Those who wait MUST look more often.
pub(super) const RESUMES_AFTER: Duration = Duration::from_secs(30);
/// The most characters of what a vendor said that are kept.
const MOST_SAID: usize = 200;

/// Who found a vendor down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundBy {
    /// In whose line it stood.
    pub line: LineId,
    /// Whether it asked alone whether the vendor is back.
    pub probed: bool,
    /// Whether calls of this tenant alone found it down, and those of others well, lately: what is wrong may be its assets.
    pub alone: bool,
}

/// A vendor is down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub(super) since: i64,
    code: FailureCode,
    said: String,
    probes: u32,
    pub(super) probe_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) probing_until: Option<i64>,
    /// Whom alone it holds up; a version without this holds up everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<LineId>,
    /// Who asked last whether it is over, and heard that it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probed_by: Option<LineId>,
}

/// An operator stopped an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub(super) since: i64,
    /// Who did.
    pub by: TenantId,
}

impl Gate {
    /// The vendor is down: from now on single flows ask whether it is back. Where one tenant alone finds it down, its flows
    /// alone wait, until those of another find it down too.
    pub fn failed(&mut self, failure: &Failure, by: FoundBy, now: Timestamp) {
        let at = now.as_microsecond();
        let Some(outage) = &mut self.outage else {
            self.meet(now);
            if !by.alone {
                self.stand_still(at);
            }
            self.outage = Some(Outage {
                since: at,
                code: failure.code,
                said: failure.message.chars().take(MOST_SAID).collect(),
                probes: 0,
                probe_at: at + micros(FIRST_PROBE),
                probing_until: None,
                of: by.alone.then_some(by.line),
                probed_by: None,
            });
            return;
        };
        if by.probed {
            outage.probes = outage.probes.saturating_add(1);
            let wait = FIRST_PROBE.saturating_mul(1 << outage.probes.min(10));
            outage.probe_at = at + micros(wait.min(PROBE_AT_MOST));
            outage.probing_until = None;
            outage.probed_by = Some(by.line);
            outage.code = failure.code;
            outage.said = failure.message.chars().take(MOST_SAID).collect();
            self.meet(now);
        } else if !outage.holds_up(by.line) {
            outage.of = None;
            self.meet(now);
            self.stand_still(at);
        }
    }

    /// Lets the caller, of this line, alone ask whether the vendor is back, until then at the most. Whether it may.
    pub fn probe(&mut self, line: LineId, until: Timestamp, now: Timestamp) -> bool {
        let at = now.as_microsecond();
        let Some(outage) = self.outage.as_mut().filter(|it| it.holds_up(line)) else {
            return false;
        };
        if outage.probe_at > at || outage.probing_until.is_some_and(|until| until > at) {
            return false;
        }
        outage.probing_until = Some(until.as_microsecond());
        self.meet(now);
        true
    }

    /// Whoever was to ask whether the vendor is back did not come to it.
    pub fn not_probed(&mut self, now: Timestamp) {
        if let Some(outage) = &mut self.outage {
            outage.probing_until = None;
            outage.probe_at = now.as_microsecond() + micros(FIRST_PROBE);
            self.meet(now);
        }
    }

    /// The vendor is back.
    pub fn recovered(&mut self, now: Timestamp) {
        if self.outage.take().is_some() {
            self.meet(now);
            self.move_on(now.as_microsecond());
        }
    }

    /// An operator stops it. Once more changes nothing.
    pub fn pause(&mut self, by: TenantId, now: Timestamp) {
        if self.paused.is_none() {
            self.meet(now);
            let since = now.as_microsecond();
            self.stand_still(since);
            self.paused = Some(Pause { since, by });
        }
    }

    /// An operator lets it go on, knows better than a vendor that asked to be left alone, and has one that is down be asked
    /// at once. What none of these holds up is not changed.
    pub fn resume(&mut self, now: Timestamp) {
        let at = now.as_microsecond();
        let is_asked_later = |outage: &Outage| outage.probe_at > at;
        let held_up = self.paused.is_some()
            || self.throttled_until(now).is_some()
            || self.outage.as_ref().is_some_and(is_asked_later);
        if !held_up {
            return;
        }
        self.meet(now);
        if let Some(until) = self.throttled_until.take() {
            // The line goes on where it stood: turns that were used stay as long ago as they are.
            self.shift -= (until - at).max(0);
        }
        if let Some(outage) = &mut self.outage {
            outage.probe_at = outage.probe_at.min(at);
        }
        if self.paused.take().is_some() {
            self.move_on(at);
        }
    }

    /// The outage, if the vendor is down.
    pub fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref()
    }

    /// Who stopped it, if anybody did.
    pub fn paused(&self) -> Option<&Pause> {
        self.paused.as_ref()
    }

    fn stand_still(&mut self, now: i64) {
        self.still_since.get_or_insert(now);
    }

    fn move_on(&mut self, now: i64) {
        if self.outage.is_some() || self.paused.is_some() {
            return;
        }
        let Some(since) = self.still_since.take() else {
            return;
        };
        let waited_for = self.busy_until > since - self.shift;
        self.shift += (now - since).max(0);
        if waited_for {
            self.shift += micros(RESUMES_AFTER);
        }
    }
}

impl Outage {
    /// Whether flows of this line wait for its end.
    pub fn holds_up(&self, line: LineId) -> bool {
        self.of.is_none_or(|of| of == line)
    }

    /// Whether one tenant alone waits for its end: others find the vendor well.
    pub fn is_of_one(&self) -> bool {
        self.of.is_some()
    }

    /// Who asked last whether it is over, and heard that it is not.
    pub fn probed_by(&self) -> Option<LineId> {
        self.probed_by
    }

    /// Since when.
    pub fn since(&self) -> Timestamp {
        time(self.since)
    }

    /// What was last heard, for programs.
    pub fn code(&self) -> FailureCode {
        self.code
    }

    /// What was last heard, for people. Holds no secret.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// When the vendor is asked next.
    pub fn probe_at(&self) -> Timestamp {
        time(self.probe_at)
    }
}

impl Pause {
    /// Since when.
    pub fn since(&self) -> Timestamp {
        time(self.since)
    }
}
