//! Counting what happens, at next to no cost: in memory, and written now and then.

mod metered;
mod progress;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use self::metered::Metered;
use crate::ports::{ActivityLog, Clock, FlowWrites};
use crate::{Activity, ActivityInterval, BatchId, Flow, TenantId};

/// How many intervals of tenants wait to be written, at the most: what comes on top of them is not counted.
const MOST: usize = 10_000;
/// How many are written at the same time.
const PARALLEL: usize = 8;
/// How long whoever ends waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Counts in the memory of the process what settles and what is paid for, until [`flush`](Self::flush) adds it to the
/// log: a write for each tenant that something happened for, however much it was. No flow waits for it or fails by it.
#[derive(Clone)]
pub struct Meter {
    counted: Arc<Mutex<Counted>>,
    /// The batches of which it is about to be noted how far they are.
    noting: Arc<Mutex<HashSet<BatchId>>>,
    log: Arc<dyn ActivityLog>,
    clock: Arc<dyn Clock>,
}

type Place = (TenantId, ActivityInterval);

#[derive(Default)]
struct Counted {
    intervals: BTreeMap<Place, Activity>,
    /// How many times something was not counted for want of room.
    left_out: u64,
}

impl Counted {
    fn add(&mut self, place: Place, activity: Activity) {
        let room = self.intervals.len() < MOST;
        match self.intervals.get_mut(&place) {
            Some(counted) => *counted = counted.and(activity),
            None if room => {
                self.intervals.insert(place, activity);
            }
            None => self.left_out += 1,
        }
    }
}

impl Meter {
    /// One that has counted nothing, for this log.
    pub fn new(log: Arc<dyn ActivityLog>, clock: Arc<dyn Clock>) -> Self {
        Self {
            counted: Arc::default(),
            noting: Arc::default(),
            log,
            clock,
        }
    }

    /// Rows whose changes are counted. Everything that changes flows MUST do it through one and the same of these:
    /// what goes through two is counted twice.
    pub fn around(&self, flows: Arc<dyn FlowWrites>) -> Arc<dyn FlowWrites> {
        Arc::new(Metered {
            flows,
            meter: self.clone(),
        })
    }

    /// Counts flows that are settled and of which no row tells.
    pub(super) fn count_unkept(&self, flows: &[Flow]) {
        for flow in flows {
            self.count(&flow.tenant, Activity::of_new(flow));
        }
    }

    fn count(&self, tenant: &TenantId, activity: Activity) {
        if activity.is_none() {
            return;
        }
        let interval = ActivityInterval::of(self.clock.now());
        self.with(|counted| counted.add((tenant.clone(), interval), activity));
    }

    fn with<T>(&self, look: impl FnOnce(&mut Counted) -> T) -> T {
        // Nothing in it is half done at any time.
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut counted)
    }

    /// Adds to the log what was counted since the last time; nothing is asked of it if that is nothing. What can't be
    /// added is kept for the next time, and a warning says so.
    pub async fn flush(&self) {
        let Counted {
            intervals,
            left_out,
        } = self.with(std::mem::take);
        if left_out > 0 {
            tracing::warn!(left_out, "activity was not counted for want of room");
        }
        let failed = stream::iter(intervals)
            .map(|((tenant, interval), activity)| async move {
                let added = self.log.add(&tenant, interval, activity).await;
                added
                    .err()
                    .map(|error| ((tenant, interval), activity, error))
            })
            .buffer_unordered(PARALLEL)
            .filter_map(async |failed| failed)
            .collect::<Vec<_>>()
            .await;
        if let Some((_, _, error)) = failed.first() {
            tracing::warn!(
                intervals = failed.len(),
                dependency = error.dependency,
                error = error as &dyn std::error::Error,
                "activity was not added, and is kept for the next time"
            );
        }
        self.with(|counted| {
            for (place, activity, _) in failed {
                counted.add(place, activity);
            }
        });
    }

    /// As [`flush`](Self::flush), for who is about to answer, or to end: waits a second for it at the most. What takes
    /// longer goes on as long as the process does.
    pub async fn flush_soon(&self) {
        if self.with(|counted| counted.intervals.is_empty()) {
            return;
        }
        let meter = self.clone();
        let flush = tokio::spawn(async move { meter.flush().await });
        if tokio::time::timeout(PATIENCE, flush).await.is_err() {
            tracing::warn!("adding activity takes long, and is not waited for");
        }
    }
}
