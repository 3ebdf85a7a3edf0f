use std::collections::HashMap;
use std::sync::Mutex;

use assetmill_core::ports::{Unavailable, WorkClaim, WorkHolder, Works};
use assetmill_core::{Output, WorkKey};
use async_trait::async_trait;
use jiff::Timestamp;

/// Remembered work in memory.
#[derive(Debug, Default)]
pub struct MemoryWorks(Mutex<HashMap<WorkKey, Entry>>);

#[derive(Debug)]
enum Entry {
    Held {
        holder: WorkHolder,
        until: Timestamp,
    },
    Done(Output),
}

#[async_trait]
impl Works for MemoryWorks {
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
        let mut works = self.0.lock().unwrap();
        match works.get(key) {
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
        works.insert(key.clone(), Entry::Held { holder, until });
        Ok(WorkClaim::Claimed)
    }

    async fn complete(&self, key: &WorkKey, output: &Output) -> Result<(), Unavailable> {
        let mut works = self.0.lock().unwrap();
        works.insert(key.clone(), Entry::Done(output.clone()));
        Ok(())
    }

    async fn release(&self, key: &WorkKey, holder: WorkHolder) -> Result<(), Unavailable> {
        let mut works = self.0.lock().unwrap();
        if matches!(works.get(key), Some(Entry::Held { holder: held, .. }) if *held == holder) {
            works.remove(key);
        }
        Ok(())
    }

    async fn forget(&self, key: &WorkKey) -> Result<(), Unavailable> {
        let mut works = self.0.lock().unwrap();
        if matches!(works.get(key), Some(Entry::Done(_))) {
            works.remove(key);
        }
        Ok(())
    }
}
