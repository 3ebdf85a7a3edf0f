//! What happened lately in JSON.

use assetmill_core::{Activity, ActivityInterval};
use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;

/// What happened lately, counted in intervals.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Activity)]
pub struct ActivityView {
    /// Since when: where the first interval begins that was asked for.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    since: Time,
    /// How long each interval is, in seconds.
    #[schema(example = 300)]
    interval_seconds: u64,
    /// The intervals in which something happened, the earliest first.
    points: Vec<ActivityPointView>,
}

/// What happened in one interval.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ActivityPoint)]
pub struct ActivityPointView {
    /// When it begins.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    at: Time,
    /// Flows that came to have their output.
    #[schema(example = 240)]
    completed: u64,
    /// Flows that failed.
    #[schema(example = 3)]
    failed: u64,
    /// Flows that were cancelled.
    #[schema(example = 0)]
    cancelled: u64,
    /// Calls of paid operations that ended and are not known to have cost nothing.
    #[schema(example = 12)]
    paid_calls: u64,
}

impl ActivityView {
    /// What is shown of intervals since this one.
    pub fn new(since: ActivityInterval, points: Vec<(ActivityInterval, Activity)>) -> Self {
        Self {
            since: since.start().into(),
            interval_seconds: ActivityInterval::LENGTH.as_secs(),
            points: points.into_iter().map(ActivityPointView::from).collect(),
        }
    }
}

impl From<(ActivityInterval, Activity)> for ActivityPointView {
    fn from((interval, activity): (ActivityInterval, Activity)) -> Self {
        let Activity {
            completed,
            failed,
            cancelled,
            paid_calls,
        } = activity;
        Self {
            at: interval.start().into(),
            completed,
            failed,
            cancelled,
            paid_calls,
        }
    }
}
