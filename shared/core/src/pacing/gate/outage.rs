//! A vendor that is down, and an operation that somebody stopped: the line stands still meanwhile.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Gate, micros, time};
use crate::{Failure, FailureCode, TenantId};

/// How long after its beginning an outage is first looked into; twice as long each time, up to the most.
const FIRST_PROBE: Duration = Duration::from_secs(2);
const PROBE_AT_MOST: Duration = Duration::from_secs(20);
/// How long after the end of an outage or a pause the line moves on: until then, all who stand at its head have
/// looked. Those who wait MUST look more often.
pub(super) const RESUMES_AFTER: Duration = Duration::from_secs(30);
/// The most characters of what a vendor said that are kept.
const MOST_SAID: usize = 200;

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
}

/// An operator stopped an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub(super) since: i64,
    /// Who did.
    pub by: TenantId,
}

impl Gate {
    /// The vendor is down: from now on single flows ask whether it is back. `probed` is whether one did, and this is
    /// what it heard.
    pub fn failed(&mut self, failure: &Failure, probed: bool, now: Timestamp) {
        let at = now.as_microsecond();
        let Some(outage) = &mut self.outage else {
            self.meet(now);
            self.stand_still(at);
            self.outage = Some(Outage {
                since: at,
                code: failure.code,
                said: failure.message.chars().take(MOST_SAID).collect(),
                probes: 0,
                probe_at: at + micros(FIRST_PROBE),
                probing_until: None,
            });
            return;
        };
        if probed {
            outage.probes = outage.probes.saturating_add(1);
            let wait = FIRST_PROBE.saturating_mul(1 << outage.probes.min(10));
            outage.probe_at = at + micros(wait.min(PROBE_AT_MOST));
            outage.probing_until = None;
            outage.code = failure.code;
            outage.said = failure.message.chars().take(MOST_SAID).collect();
            self.meet(now);
        }
    }

    /// Lets the caller alone ask whether the vendor is back, until then at the most. Whether it may.
    pub fn probe(&mut self, until: Timestamp, now: Timestamp) -> bool {
        let at = now.as_microsecond();
        let Some(outage) = &mut self.outage else {
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

    /// An operator lets it go on, and the vendor be asked at once if it was down.
    pub fn resume(&mut self, now: Timestamp) {
        let at = now.as_microsecond();
        if self.paused.take().is_some() {
            self.meet(now);
            if let Some(outage) = &mut self.outage {
                outage.probe_at = at;
            }
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
