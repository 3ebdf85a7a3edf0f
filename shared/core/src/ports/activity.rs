//! What happened lately, counted for each tenant in intervals.

use std::time::Duration;

use async_trait::async_trait;

use super::Unavailable;
use crate::{Activity, ActivityInterval, TenantId};

/// How long intervals can be read, at the most: what is older MAY be forgotten.
pub const ACTIVITY_KEPT_FOR: Duration = Duration::from_hours(24 * 7);

/// Reads what happened.
#[async_trait]
pub trait ActivityReads: Send + Sync {
    /// The intervals of the tenant in which something happened, from `since` on, the earliest first. MUST answer none
    /// of another tenant's. MAY leave out what is older than [`ACTIVITY_KEPT_FOR`], or than rows are kept, and MAY lag
    /// behind writes. An interval that has not begun MAY be left out.
    async fn activity(
        &self,
        tenant: &TenantId,
        since: ActivityInterval,
    ) -> Result<Vec<(ActivityInterval, Activity)>, Unavailable>;
}

/// Counts what happened. It is for a plot, and nothing is decided by it: what a process has not added when it is killed
/// is lost (some seconds of what it did), and an [`add`](Self::add) whose answer was lost may be counted twice.
#[async_trait]
pub trait ActivityLog: ActivityReads {
    /// Adds to an interval of the tenant, in one write. Of several at the same time none MUST be lost.
    async fn add(
        &self,
        tenant: &TenantId,
        interval: ActivityInterval,
        activity: Activity,
    ) -> Result<(), Unavailable>;
}
