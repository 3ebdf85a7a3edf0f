use std::collections::HashMap;
use std::sync::Mutex;

use assetmill_core::ports::{ResultCache, Unavailable, WorkClaim, WorkHolder};
use assetmill_core::{Output, WorkKey};
use async_trait::async_trait;
use jiff::Timestamp;

/// Remembered work in memory.
#[derive(Debug, Default)]
pub struct MemoryResultCache(Mutex<HashMap<WorkKey, Entry>>);

#[derive(Debug)]
enum Entry {
    Held {
        holder: WorkHolder,
        until: Timestamp,
    },
    Done(Output),
}

#[async_trait]
impl ResultCache for MemoryResultCache {
    async fn find(&self, key: &WorkKey) -> Result<Option<Output>, Unavailable> {
        Ok(match self.0.lock().unwrap().get(key) {
            Some(Entry::Done(output)) => Some(output.clone()),
            _ => None,
        })
    }

    async fn claim(
        &self,
        key: &WorkKey,
        holder: WorkHolder,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<WorkClaim, Unavailable> {
        let mut results = self.0.lock().unwrap();
        match results.get(key) {
            Some(Entry::Done(output)) => return Ok(WorkClaim::Done(output.clone())),
            Some(Entry::Held {
                holder: other,
                until,
            }) if *until > now
                && (other.flow_id != holder.flow_id || other.fence > holder.fence) =>
            {
                return Ok(WorkClaim::Held { until: *until });
            }
            _ => {}
        }
        results.insert(key.clone(), Entry::Held { holder, until });
        Ok(WorkClaim::Claimed)
    }

    async fn complete(&self, key: &WorkKey, output: &Output) -> Result<(), Unavailable> {
        let mut results = self.0.lock().unwrap();
        results.insert(key.clone(), Entry::Done(output.clone()));
        Ok(())
    }

    async fn release(&self, key: &WorkKey, holder: WorkHolder) -> Result<(), Unavailable> {
        let mut results = self.0.lock().unwrap();
        if matches!(results.get(key), Some(Entry::Held { holder: held, .. }) if *held == holder) {
            results.remove(key);
        }
        Ok(())
    }

    async fn forget(&self, key: &WorkKey) -> Result<(), Unavailable> {
        let mut results = self.0.lock().unwrap();
        if matches!(results.get(key), Some(Entry::Done(_))) {
            results.remove(key);
        }
        Ok(())
    }
}
