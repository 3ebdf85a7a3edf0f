use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use assetmill_core::ports::{ActivityLog, ActivityReads, Unavailable};
use assetmill_core::{Activity, ActivityInterval, TenantId};
use async_trait::async_trait;

/// What happened, in memory.
#[derive(Debug, Default)]
pub struct MemoryActivityLog {
    intervals: Mutex<BTreeMap<(TenantId, ActivityInterval), Activity>>,
    writes: AtomicU64,
}

impl MemoryActivityLog {
    /// How often something was added.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ActivityReads for MemoryActivityLog {
    async fn activity(
        &self,
        tenant: &TenantId,
        since: ActivityInterval,
    ) -> Result<Vec<(ActivityInterval, Activity)>, Unavailable> {
        let intervals = self.intervals.lock().unwrap();
        Ok(intervals
            .iter()
            .filter(|((owner, interval), _)| owner == tenant && *interval >= since)
            .map(|((_, interval), activity)| (*interval, *activity))
            .collect())
    }
}

#[async_trait]
impl ActivityLog for MemoryActivityLog {
    async fn add(
        &self,
        tenant: &TenantId,
        interval: ActivityInterval,
        activity: Activity,
    ) -> Result<(), Unavailable> {
        let mut intervals = self.intervals.lock().unwrap();
        let counted = intervals.entry((tenant.clone(), interval)).or_default();
        *counted = counted.and(activity);
        self.writes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}
