//! A vendor that is slow, or asks for patience.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assetmill_contract::samples;
use assetmill_core::pacing::Limits;
use assetmill_core::{
    Asset, Call, Cost, Failure, FailureCode, Job, JobCall, MediaType, Operation,
    OperationDescription, OperationError, Params, Product, RetryPolicy, Run, TenantId,
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

/// It is charged for each call that is not throttled.
pub(crate) struct Vendor {
    description: OperationDescription,
    began: Instant,
    takes: Duration,
    within: Duration,
    throttled: u32,
    limits: Limits,
    /// Whether it takes work on at once, and is asked about it.
    takes_jobs: bool,
    calls: AtomicU32,
}

impl Vendor {
    /// It answers each call after a time.
    pub(crate) fn that_takes(takes: Duration) -> Self {
        Self {
            description: samples::description("vendor", Cost::Paid),
            began: Instant::now(),
            takes,
            within: Duration::from_mins(2),
            throttled: 0,
            limits: Limits::default(),
            takes_jobs: false,
            calls: AtomicU32::new(0),
        }
    }

    /// It takes each call on at once, and is done after a time.
    pub(crate) fn of_jobs_that_take(takes: Duration) -> Self {
        Self {
            takes_jobs: true,
            within: Duration::from_secs(5),
            ..Self::that_takes(takes)
        }
    }

    /// It asks for ten seconds of patience so many times, and then answers.
    pub(crate) fn throttling(throttled: u32) -> Self {
        Self {
            throttled,
            ..Self::that_takes(Duration::ZERO)
        }
    }

    /// It answers at once, and is asked for no more than this.
    pub(crate) fn limited(limits: &str) -> Self {
        Self {
            limits: limits.parse().unwrap(),
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

    fn limits(&self) -> Limits {
        self.limits
    }

    fn longest_run(&self) -> Option<Duration> {
        Some(self.within)
    }

    fn longest_job(&self) -> Duration {
        Duration::from_hours(2)
    }

    async fn begin(&self, call: Call) -> Result<Run, OperationError> {
        if !self.takes_jobs {
            let product = self.run(&call.tenant, call.asset, &call.params).await?;
            return Ok(Run::Done(product));
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        let done_at = self.began.elapsed() + self.takes;
        Ok(Run::Taken(Job {
            state: done_at.as_secs().to_string(),
            ask_after: Duration::ZERO,
            trouble: None,
        }))
    }

    async fn ask(&self, job: JobCall) -> Result<Run, OperationError> {
        // A question takes a while, in which its function may be frozen.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let done_at = Duration::from_secs(job.state.parse().unwrap());
        if self.began.elapsed() < done_at {
            return Ok(Run::Taken(Job {
                state: job.state,
                ask_after: Duration::from_secs(5),
                trouble: None,
            }));
        }
        Ok(Run::Done(Product {
            content: Bytes::from_static(b"a"),
            media_type: MediaType::png(),
        }))
    }

    async fn run(&self, _: &TenantId, asset: Asset, _: &Params) -> Result<Product, OperationError> {
        if self.calls.fetch_add(1, Ordering::SeqCst) < self.throttled {
            return Err(OperationError::Throttled {
                failure: Failure::transient(FailureCode::VendorThrottled, "429"),
                retry_after: Some(Duration::from_secs(10)),
            });
        }
        tokio::time::sleep(self.takes.min(self.within)).await;
        if self.takes > self.within {
            let late = Failure::transient(FailureCode::VendorTimeout, "late");
            return Err(OperationError::Abandoned(late));
        }
        Ok(Product {
            content: asset.content,
            media_type: MediaType::png(),
        })
    }
}
