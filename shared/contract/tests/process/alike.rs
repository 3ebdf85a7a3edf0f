//! Equal free work that begins at the same time.

use std::sync::Arc;

use assetmill_contract::memory::MemoryResultCache;
use assetmill_contract::samples;
use assetmill_core::ports::{ResultCache, Sources, Unavailable, WorkClaim, WorkHolder};
use assetmill_core::usecases::{Outcome, Process, Waiting};
use assetmill_core::{
    Asset, AssetUrl, Catalogue, Operation, OperationError, Output, TenantId, WorkKey,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use jiff::Timestamp;

use super::unknown_name;
use super::world::{A_MOMENT, Copy, World};

struct Host;

#[async_trait]
impl Sources for Host {
    async fn fetch(&self, _: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        Ok(Asset {
            url: url.clone(),
            content: Bytes::from_static(b"the same"),
        })
    }
}

/// Takes its time to remember, as a disk does.
#[derive(Default)]
struct Slow(MemoryResultCache);

#[async_trait]
impl ResultCache for Slow {
    async fn find(&self, key: &WorkKey) -> Result<Option<Output>, Unavailable> {
        self.0.find(key).await
    }

    async fn claim(
        &self,
        key: &WorkKey,
        holder: WorkHolder,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<WorkClaim, Unavailable> {
        self.0.claim(key, holder, now, until).await
    }

    async fn complete(&self, key: &WorkKey, output: &Output) -> Result<(), Unavailable> {
        tokio::time::sleep(A_MOMENT).await;
        self.0.complete(key, output).await
    }

    async fn release(&self, key: &WorkKey, holder: WorkHolder) -> Result<(), Unavailable> {
        self.0.release(key, holder).await
    }

    async fn forget(&self, key: &WorkKey) -> Result<(), Unavailable> {
        self.0.forget(key).await
    }
}

#[tokio::test(start_paused = true)]
async fn equal_free_work_that_begins_at_the_same_time_is_done_once() {
    let world = World::new(|_| unknown_name()).await;
    let copy = Arc::new(Copy::default());
    let operation: Arc<dyn Operation> = copy.clone();
    let process = Process {
        sources: Arc::new(Host),
        result_cache: Arc::new(Slow::default()),
        catalogue: Catalogue::new([operation], &"copy".parse().unwrap()).unwrap(),
        ..world.process.clone()
    };
    let (batch, mut rows) = samples::batch(50);
    for row in &mut rows {
        row.operation = "copy".parse().unwrap();
    }
    process.flows.put_flows(&rows).await.unwrap();
    process.flows.put_batch(&batch).await.unwrap();
    let attempts = rows
        .iter()
        .map(|row| process.attempt(row.id, Waiting::Nobody));
    for outcome in join_all(attempts).await {
        assert_eq!(outcome.unwrap(), Outcome::Settled { content: None });
    }
    assert_eq!(copy.runs(), 1);
}
