//! From a claimed flow to its output, or to what kept it from one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::Process;
use crate::ports::{FlowChanges as _, Unavailable, WorkClaim, WorkHolder};
use crate::{
    Asset, Availability, CallEnd, Cost, Failure, FailureCode, Fenced, Flow, Operation, Output,
    OutputKey, Product, Setback, Sha256Digest, Source, Status, WorkKey,
};

/// Tries at a write that would lose paid work if it failed.
const INSISTENCE: u32 = 5;
const INSIST_AFTER: Duration = Duration::from_millis(100);

/// A flow that as many workers in a row took up and never ended is given up.
const MOST_ABANDONED: u32 = 2;

/// How an attempt went.
pub(super) enum End {
    Output(Output),
    Setback(Setback),
    /// Another flow is doing the same paid work, at most until then.
    Busy {
        until: Timestamp,
    },
    /// The lease ended and another worker holds the flow.
    Lost,
}

impl Process {
    /// Makes the output of a flow. `call` is what is known of a paid call at any time, also when the
    /// attempt breaks off.
    pub(super) async fn make(&self, flow: &Flow, call: &mut CallEnd) -> Result<End, Unavailable> {
        let (operation, asset) = match self.prepare(flow).await {
            Ok(prepared) => prepared,
            Err(setback) => return Ok(End::Setback(setback)),
        };
        let work = WorkKey::new(
            &flow.tenant,
            &flow.operation,
            operation.fingerprint(),
            &Sha256Digest::of(&asset.content),
            &flow.params,
        );
        match operation.description().cost {
            Cost::Free => self.make_free(flow, &*operation, asset, &work).await,
            Cost::Paid => self.make_paid(flow, &*operation, asset, &work, call).await,
        }
    }

    async fn prepare(&self, flow: &Flow) -> Result<(Arc<dyn Operation>, Asset), Setback> {
        let unavailable = |message: String| {
            Setback::lasting(
                FailureCode::OperationUnavailable,
                format!("{message}; ask the operator to restore it, then retry"),
            )
        };
        let Some(operation) = self.catalogue.get(flow.operation.as_str()) else {
            return Err(unavailable(format!(
                "the catalogue no longer has an operation {}",
                flow.operation
            )));
        };
        if let Availability::Unavailable { reason } = &operation.description().availability {
            return Err(unavailable(reason.clone()));
        }
        let Source::Asset(url) = &flow.source else {
            return Err(Setback::lasting(
                FailureCode::UnsupportedScheme,
                "the URL can't be fetched",
            ));
        };
        // What stopped its worker twice stops the third as well, and with it the flows beside it. Where
        // attempts that ended lie between: every other end settles the flow at its last attempt.
        let stopped_workers = matches!(flow.status, Status::Running { abandoned, .. }
            if abandoned >= MOST_ABANDONED);
        if stopped_workers || flow.attempts > operation.retry().max_attempts {
            return Err(Setback::Final(Failure::worker_crashed()));
        }
        let asset = self.sources.fetch(&flow.tenant, url).await?;
        Ok((operation.clone(), asset))
    }

    async fn make_free(
        &self,
        flow: &Flow,
        operation: &dyn Operation,
        asset: Asset,
        work: &WorkKey,
    ) -> Result<End, Unavailable> {
        if let Some(output) = self.works.find(work).await? {
            if self.outputs.exists(&output.key).await? {
                return Ok(End::Output(output));
            }
            self.works.forget(work).await?;
        }
        Ok(match self.run_in_time(flow, operation, asset).await {
            Ok(product) => End::Output(self.keep(flow, work, product).await?),
            Err(setback) => End::Setback(setback),
        })
    }

    async fn make_paid(
        &self,
        flow: &Flow,
        operation: &dyn Operation,
        asset: Asset,
        work: &WorkKey,
        call: &mut CallEnd,
    ) -> Result<End, Unavailable> {
        let holder = WorkHolder {
            flow_id: flow.id,
            fence: flow.fence,
        };
        if let Some(end) = self.claim_work(holder, work).await? {
            return Ok(end);
        }
        if self.flows.begin_call(flow.id, flow.fence).await? == Fenced::Lost {
            return Ok(End::Lost);
        }
        // Until its product is kept, or its refusal known, the call may have been paid for nothing.
        *call = CallEnd::Unconfirmed;
        let setback = match self.run_in_time(flow, operation, asset).await {
            Ok(product) => {
                let output = self.keep(flow, work, product).await?;
                *call = CallEnd::Confirmed;
                return Ok(End::Output(output));
            }
            Err(setback) => setback,
        };
        if !matches!(setback, Setback::Unconfirmed(_) | Setback::Abandoned(_)) {
            *call = CallEnd::Confirmed;
        }
        if let Err(error) = self.works.release(work, holder).await {
            // What the vendor said counts for more; the claim ends by itself.
            tracing::warn!(
                flow_id = %flow.id,
                error = &error as &dyn std::error::Error,
                "claim was not released"
            );
        }
        Ok(End::Setback(setback))
    }

    /// Claims paid work. `None` when the work is the caller's to do.
    async fn claim_work(
        &self,
        holder: WorkHolder,
        work: &WorkKey,
    ) -> Result<Option<End>, Unavailable> {
        loop {
            let now = self.clock.now();
            let until = now + self.limits.lease;
            match self.works.claim(work, holder, now, until).await? {
                WorkClaim::Claimed => return Ok(None),
                WorkClaim::Held { until } => return Ok(Some(End::Busy { until })),
                WorkClaim::Done(output) if self.outputs.exists(&output.key).await? => {
                    return Ok(Some(End::Output(output)));
                }
                WorkClaim::Done(_) => self.works.forget(work).await?,
            }
        }
    }

    async fn run_in_time(
        &self,
        flow: &Flow,
        operation: &dyn Operation,
        asset: Asset,
    ) -> Result<Product, Setback> {
        let limit = self.limits.operation;
        let run = operation.run(&flow.tenant, asset, &flow.params);
        tokio::time::timeout(limit, run).await.unwrap_or_else(|_| {
            let took = format!("took longer than {} s", limit.as_secs());
            Err(match operation.description().cost {
                Cost::Free => Setback::transient(
                    FailureCode::OperationTimeout,
                    format!("the operation {took}; try a smaller asset, or another time"),
                ),
                Cost::Paid => Setback::Unconfirmed(Failure::passing(
                    FailureCode::VendorTimeout,
                    format!("the vendor {took}; try again later"),
                )),
            })
        })
    }

    /// Stores a product and remembers it as the output of the work.
    async fn keep(
        &self,
        flow: &Flow,
        work: &WorkKey,
        product: Product,
    ) -> Result<Output, Unavailable> {
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
        Ok(output)
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
