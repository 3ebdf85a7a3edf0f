//! A vendor that is slow, or asks for patience.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assetmill_contract::samples;
use assetmill_core::{
    Asset, Cost, Failure, FailureCode, MediaType, Operation, OperationDescription, Params, Product,
    RetryPolicy, Setback, TenantId,
};
use async_trait::async_trait;

/// It is charged for each call that is not throttled.
pub(crate) struct Vendor {
    description: OperationDescription,
    takes: Duration,
    within: Duration,
    throttled: u32,
    calls: AtomicU32,
}

impl Vendor {
    /// It answers each call after a time.
    pub(crate) fn that_takes(takes: Duration) -> Self {
        Self {
            description: samples::description("vendor", Cost::Paid),
            takes,
            within: Duration::from_mins(2),
            throttled: 0,
            calls: AtomicU32::new(0),
        }
    }

    /// It asks for ten seconds of patience so many times, and then answers.
    pub(crate) fn throttling(throttled: u32) -> Self {
        Self {
            throttled,
            ..Self::that_takes(Duration::ZERO)
        }
    }

    /// The same, where its profile gives it so much time.
    pub(crate) fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Operation for Vendor {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &'static str {
        "1"
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    fn longest_run(&self) -> Option<Duration> {
        Some(self.within)
    }

    async fn run(&self, _: &TenantId, asset: Asset, _: &Params) -> Result<Product, Setback> {
        if self.calls.fetch_add(1, Ordering::SeqCst) < self.throttled {
            return Err(Setback::Throttled {
                failure: Failure::passing(FailureCode::VendorThrottled, "429"),
                retry_after: Some(Duration::from_secs(10)),
            });
        }
        tokio::time::sleep(self.takes.min(self.within)).await;
        if self.takes > self.within {
            let late = Failure::passing(FailureCode::VendorTimeout, "late");
            return Err(Setback::Abandoned(late));
        }
        Ok(Product {
            content: asset.content,
            media_type: MediaType::png(),
        })
    }
}
