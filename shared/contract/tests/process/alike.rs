//! Equal free work that begins at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assetmill_contract::memory::MemoryResultCache;
use assetmill_contract::samples;
use assetmill_core::ports::{ResultCache, Sources, Unavailable, WorkClaim, WorkHolder};
use assetmill_core::usecases::{Outcome, Process, Waiting};
use assetmill_core::{
    Asset, AssetUrl, Catalogue, Cost, MediaType, Operation, OperationDescription, OperationError,
    Output, Params, Product, RetryPolicy, TenantId, WorkKey,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use jiff::Timestamp;

use super::unknown_name;
use super::world::World;

const A_MOMENT: Duration = Duration::from_millis(10);

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

struct Counts {
    description: OperationDescription,
    runs: AtomicU32,
}

#[async_trait]
impl Operation for Counts {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &'static str {
        "1"
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    async fn run(&self, _: &TenantId, asset: Asset, _: &Params) -> Result<Product, OperationError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(A_MOMENT).await;
        Ok(Product {
            content: asset.content,
            media_type: MediaType::png(),
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
    let counts = Arc::new(Counts {
        description: samples::description("copy", Cost::Free),
        runs: AtomicU32::new(0),
    });
    let operation: Arc<dyn Operation> = counts.clone();
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
        assert_eq!(outcome.unwrap(), Outcome::Settled);
    }
    assert_eq!(counts.runs.load(Ordering::SeqCst), 1);
}
