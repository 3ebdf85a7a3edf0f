//! How long things are kept, and what of the rows expired by now.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use assetmill_core::ports::Clock;
use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

/// How much later than their flows are accepted outputs are stored: a flow waits for a vendor no longer.
const SETTLED_WITHIN: Duration = Duration::from_hours(24);

/// How long things are kept.
#[derive(Clone)]
pub(super) struct Retention {
    clock: Arc<dyn Clock>,
    /// `None` for ever.
    time: Option<Duration>,
}

/// What began at this time or before it expired: milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cutoff(i64);

impl Retention {
    pub(super) fn for_ever(clock: Arc<dyn Clock>) -> Self {
        Self { clock, time: None }
    }

    pub(super) fn of(self, time: Duration) -> Self {
        Self {
            time: Some(time),
            ..self
        }
    }

    /// Whether anything ever expires.
    pub(super) fn ends(&self) -> bool {
        self.time.is_some()
    }

    /// The age from which on an output may be one that no row names any more, as the time when it was stored. All that
    /// is older was stored or asked for long ago, by whoever named it since or never will.
    pub(super) fn stored_before(&self) -> SystemTime {
        let time = self.time.unwrap_or_default();
        let age = time.saturating_sub(SETTLED_WITHIN.min(time / 2));
        let now = u64::try_from(self.now()).unwrap_or_default();
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now);
        now.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Now, in milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// The [cutoff](Self::cutoff) of what is kept no longer than `most`, though batches may be.
    pub(super) fn cutoff_within(&self, most: Duration) -> Cutoff {
        let time = Some(self.time.map_or(most, |time| time.min(most)));
        let clock = self.clock.clone();
        Self { clock, time }.cutoff()
    }

    pub(super) fn cutoff(&self) -> Cutoff {
        let time = self.time.map(|time| i64::try_from(time.as_millis()));
        Cutoff(match time {
            Some(Ok(milliseconds)) => self.now().saturating_sub(milliseconds),
            Some(Err(_)) | None => i64::MIN,
        })
    }
}

impl fmt::Debug for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.time.fmt(f)
    }
}

impl Cutoff {
    /// The time, in milliseconds since 1970.
    pub(super) fn milliseconds(self) -> i64 {
        self.0
    }
}

impl ToSql for Cutoff {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// The condition that a row of `batches` did not expire by the [`Cutoff`] in this parameter.
pub(super) fn batch_lives(cutoff: &str) -> String {
    format!("NOT (created_at <= {cutoff} AND completed_at IS NOT NULL AND follows_open = 0)")
}

/// The condition that a row of `flows` did not expire by the [`Cutoff`] in this parameter.
pub(super) fn flow_lives(cutoff: &str) -> String {
    format!(
        "NOT (created_at <= {cutoff} AND EXISTS (SELECT 1 FROM batches
            WHERE batches.batch_id = flows.batch_id AND completed_at IS NOT NULL
              AND follows_open = 0))"
    )
}
