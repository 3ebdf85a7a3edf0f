//! Making what nobody asks for again: without a row, while a caller waits.

use std::sync::Arc;

use tokio::time::Instant;

use super::Process;
use super::conclude::throttled_for;
use crate::{
    Asset, AssetUrl, Availability, Call, Cost, Failure, FailureCode, Flow, Operation,
    OperationError, Params, Product, RetryPolicy, Run, Source, Step,
};

/// How a flow without a row went.
pub(in crate::usecases) enum Unkept {
    /// It has its product.
    Made(Product),
    /// It will have none.
    Failed(Failure),
    /// It is to be tried again after its deadline.
    Later,
}

/// Why a step made nothing, and how often it is tried.
struct Miss {
    error: OperationError,
    retry: RetryPolicy,
}

/// Whether flows of an operation need no row while somebody waits for them: they leave nothing behind, and running them
/// again costs nobody anything.
pub(in crate::usecases) fn needs_no_row(operation: &Arc<dyn Operation>, params: &Params) -> bool {
    let leaves_nothing = |step: &Step| {
        let operation = &step.operation;
        operation.description().cost == Cost::Free && operation.longest_job().is_zero()
    };
    let available = operation.description().availability == Availability::Available;
    available && Step::all_of(operation, params).iter().all(leaves_nothing)
}

impl Process {
    /// Tries a flow that has no row until `deadline`, as often as its steps are to be tried. Dropping the future stops
    /// the work.
    pub(in crate::usecases) async fn run_unkept(
        &self,
        flow: &Flow,
        operation: &Arc<dyn Operation>,
        deadline: Instant,
    ) -> Unkept {
        let run = self.try_unkept(flow, operation, deadline);
        let run = tokio::time::timeout_at(deadline, run);
        run.await.unwrap_or(Unkept::Later)
    }

    async fn try_unkept(
        &self,
        flow: &Flow,
        operation: &Arc<dyn Operation>,
        deadline: Instant,
    ) -> Unkept {
        let Source::Asset(url) = &flow.source else {
            return Unkept::Later;
        };
        let steps = Step::all_of(operation, &flow.params);
        let mut attempts = 0;
        loop {
            let Miss { error, retry } = match self.try_steps(flow, &steps, url).await {
                Ok(product) => return Unkept::Made(product),
                Err(miss) => miss,
            };
            let wait = match error {
                OperationError::Permanent(failure)
                | OperationError::Abandoned(failure)
                | OperationError::Persistent(failure) => return Unkept::Failed(failure),
                OperationError::Transient(failure) | OperationError::Unconfirmed(failure) => {
                    attempts += 1;
                    if attempts >= retry.max_attempts {
                        return Unkept::Failed(failure);
                    }
                    retry.wait_after(attempts, rand::random())
                }
                OperationError::Paced { retry_after, .. } => retry_after,
                OperationError::Throttled { retry_after, .. } => throttled_for(retry_after),
            };
            // What comes after the deadline keeps nobody waiting.
            if wait >= deadline.saturating_duration_since(Instant::now()) {
                return Unkept::Later;
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn try_steps(
        &self,
        flow: &Flow,
        steps: &[Step],
        url: &AssetUrl,
    ) -> Result<Product, Miss> {
        let retry = steps.first().map(|step| step.retry).unwrap_or_default();
        let fetched = self.sources.fetch(&flow.tenant, url).await;
        let mut asset = fetched.map_err(|error| Miss { error, retry })?;
        let Some((last, before)) = steps.split_last() else {
            let error =
                OperationError::permanent(FailureCode::OperationUnavailable, "it has no steps");
            return Err(Miss { error, retry });
        };
        for step in before {
            let made = self.try_step(flow, step, asset).await;
            let made = made.map_err(|miss| miss.of_step(step))?;
            asset = Asset {
                url: url.clone(),
                content: made.content,
            };
        }
        let made = self.try_step(flow, last, asset).await;
        made.map_err(|miss| match before {
            [] => miss,
            _ => miss.of_step(last),
        })
    }

    async fn try_step(&self, flow: &Flow, step: &Step, asset: Asset) -> Result<Product, Miss> {
        let call = Call {
            tenant: flow.tenant.clone(),
            asset,
            params: step.params.clone(),
            reference: flow.next_reference(),
        };
        let error = match self.begin_in_time(step, call).await {
            Ok(Run::Done(product)) => return Ok(product),
            // Free, so that asking for it anew is no harm.
            Ok(Run::Taken(job)) => OperationError::Throttled {
                failure: Failure::transient(
                    FailureCode::VendorThrottled,
                    "the vendor took on a job, though it never does",
                ),
                retry_after: Some(job.ask_after),
            },
            Err(error) => error,
        };
        Err(Miss {
            error,
            retry: step.retry,
        })
    }
}

impl Miss {
    fn of_step(self, step: &Step) -> Self {
        let error = self.error.of_step(&step.operation.description().name);
        Self { error, ..self }
    }
}
