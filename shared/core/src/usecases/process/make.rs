//! From an asset to what a step makes of it, or to what kept it from that.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::{Attempt, Process};
use crate::ports::{FlowChanges as _, Unavailable, WorkClaim, WorkHolder};
use crate::{
    Asset, CallEnd, Cost, Failure, FailureCode, Fenced, Flow, Output, OutputKey, Product, Setback,
    Sha256Digest, Step, WorkKey,
};

/// Tries at a write that would lose paid work if it failed.
const INSISTENCE: u32 = 5;
const INSIST_AFTER: Duration = Duration::from_millis(100);

/// How an attempt went.
pub(super) enum End {
    Output(Output),
    Setback(Setback),
    /// Another flow is doing the same paid work, at most until then.
    Busy {
        until: Timestamp,
    },
    /// There is no time left for the next step: another attempt does it.
    OutOfTime,
    /// The lease ended and another worker holds the flow.
    Lost,
}

/// What a step made.
pub(super) struct Made {
    pub(super) output: Output,
    /// Its content, unless it was found to be stored already.
    pub(super) content: Option<Bytes>,
}

impl Made {
    fn before(output: Output) -> Self {
        Self {
            output,
            content: None,
        }
    }
}

impl Process {
    /// Makes what a step makes of an asset.
    ///
    /// # Errors
    /// The other [`End`]s of an attempt.
    pub(super) async fn make_step(
        &self,
        flow: &Flow,
        step: &Step,
        asset: Asset,
        attempt: &mut Attempt,
    ) -> Result<Result<Made, End>, Unavailable> {
        let description = step.operation.description();
        let work = WorkKey::new(
            &flow.tenant,
            &description.name,
            step.operation.fingerprint(),
            &Sha256Digest::of(&asset.content),
            &step.params,
        );
        match description.cost {
            Cost::Free => self.make_free(flow, step, asset, &work).await,
            Cost::Paid => self.make_paid(flow, step, asset, &work, attempt).await,
        }
    }

    async fn make_free(
        &self,
        flow: &Flow,
        step: &Step,
        asset: Asset,
        work: &WorkKey,
    ) -> Result<Result<Made, End>, Unavailable> {
        if let Some(output) = self.works.find(work).await? {
            if self.outputs.exists(&output.key).await? {
                return Ok(Ok(Made::before(output)));
            }
            self.works.forget(work).await?;
        }
        Ok(match self.run_in_time(flow, step, asset).await {
            Ok(product) => Ok(self.keep(flow, work, product).await?),
            Err(setback) => Err(End::Setback(setback)),
        })
    }

    async fn make_paid(
        &self,
        flow: &Flow,
        step: &Step,
        asset: Asset,
        work: &WorkKey,
        attempt: &mut Attempt,
    ) -> Result<Result<Made, End>, Unavailable> {
        let holder = WorkHolder {
            flow_id: flow.id,
            fence: flow.fence,
        };
        if let Some(end) = self.claim_work(holder, work).await? {
            return Ok(end);
        }
        if flow.progress.open_call && !step.operation.resends_unconfirmed() {
            self.release_work(flow, holder, work).await;
            return Ok(Err(End::Setback(Setback::Abandoned(Failure::passing(
                FailureCode::VendorUnconfirmed,
                "the call of the vendor was broken off, and may have been charged; retry the flow to call it again",
            )))));
        }
        if self.flows.begin_call(flow.id, flow.fence).await? == Fenced::Lost {
            return Ok(Err(End::Lost));
        }
        // Until its product is kept, or its refusal known, the call may have been paid for nothing.
        attempt.call = CallEnd::Unconfirmed;
        let setback = match self.run_in_time(flow, step, asset).await {
            Ok(product) => {
                let made = self.keep(flow, work, product).await?;
                attempt.call = CallEnd::Confirmed;
                return Ok(Ok(made));
            }
            Err(setback) => setback,
        };
        if !matches!(setback, Setback::Unconfirmed(_) | Setback::Abandoned(_)) {
            attempt.call = CallEnd::Confirmed;
        }
        self.release_work(flow, holder, work).await;
        Ok(Err(End::Setback(setback)))
    }

    async fn release_work(&self, flow: &Flow, holder: WorkHolder, work: &WorkKey) {
        if let Err(error) = self.works.release(work, holder).await {
            // What is known of the call counts for more; the claim ends by itself.
            tracing::warn!(
                flow_id = %flow.id,
                error = &error as &dyn std::error::Error,
                "claim was not released"
            );
        }
    }

    /// Claims paid work. `None` when the work is the caller's to do.
    async fn claim_work(
        &self,
        holder: WorkHolder,
        work: &WorkKey,
    ) -> Result<Option<Result<Made, End>>, Unavailable> {
        loop {
            let now = self.clock.now();
            let until = now + self.limits.lease;
            match self.works.claim(work, holder, now, until).await? {
                WorkClaim::Claimed => return Ok(None),
                WorkClaim::Held { until } => return Ok(Some(Err(End::Busy { until }))),
                WorkClaim::Done(output) if self.outputs.exists(&output.key).await? => {
                    return Ok(Some(Ok(Made::before(output))));
                }
                WorkClaim::Done(_) => self.works.forget(work).await?,
            }
        }
    }

    async fn run_in_time(
        &self,
        flow: &Flow,
        step: &Step,
        asset: Asset,
    ) -> Result<Product, Setback> {
        let limit = self.limits.operation;
        let operation = &step.operation;
        let run = operation.run(&flow.tenant, asset, &step.params);
        tokio::time::timeout(limit, run).await.unwrap_or_else(|_| {
            let took = format!("took longer than {} s", limit.as_secs());
            if operation.description().cost == Cost::Free {
                return Err(Setback::transient(
                    FailureCode::OperationTimeout,
                    format!("the operation {took}; try a smaller asset, or another time"),
                ));
            }
            let failure = Failure::passing(
                FailureCode::VendorTimeout,
                format!("the vendor {took}, and may have charged; try again later"),
            );
            Err(if operation.resends_unconfirmed() {
                Setback::Unconfirmed(failure)
            } else {
                Setback::Abandoned(failure)
            })
        })
    }

    /// Stores a product and remembers it as the output of the work.
    async fn keep(
        &self,
        flow: &Flow,
        work: &WorkKey,
        product: Product,
    ) -> Result<Made, Unavailable> {
        let sha256 = Sha256Digest::of(&product.content);
        let output = Output {
            key: OutputKey::new(&flow.tenant, &sha256, &product.media_type),
            bytes: product.content.len() as u64,
            media_type: product.media_type,
            sha256,
        };
        insist(|| {
            let content = product.content.clone();
            self.outputs.put(&output.key, content, &output.media_type)
        })
        .await?;
        insist(|| self.works.complete(work, &output)).await?;
        Ok(Made {
            output,
            content: Some(product.content),
        })
    }
}

async fn insist<'a>(
    write: impl Fn() -> BoxFuture<'a, Result<(), Unavailable>>,
) -> Result<(), Unavailable> {
    let mut tries = 1;
    loop {
        match write().await {
            Err(error) if tries < INSISTENCE => {
                tracing::warn!(
                    dependency = error.dependency,
                    error = &error as &dyn std::error::Error,
                    tries,
                    "write failed, trying again"
                );
                tokio::time::sleep(INSIST_AFTER * tries).await;
                tries += 1;
            }
            result => return result,
        }
    }
}
