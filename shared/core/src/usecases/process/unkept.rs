//! Making what nobody asks for again: without a row, while a caller waits.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;

use super::finish::throttled_for;
use super::{Process, Waiting};
use crate::pacing::Limits;
use crate::usecases::pacer::{Ended, Pass};
use crate::{
    Asset, AssetUrl, Availability, Backpressure, Call, Cost, Failure, FailureCode, Flow, Operation,
    OperationError, Params, Product, RetryPolicy, Run, Source, Step,
};

/// How a flow without a row went.
pub(in crate::usecases) enum Unkept {
    /// It has its product.
    Made {
        /// All of it.
        product: Product,
        /// What it was made of, and with it its room.
        asset: Bytes,
    },
    /// It will have none.
    Failed(Failure),
    /// It is to be tried again after its deadline.
    Later,
}

/// Why a step made nothing.
enum NotMade {
    /// It failed, and is tried so often.
    Failed {
        error: OperationError,
        retry: RetryPolicy,
    },
    /// It is not its turn before then.
    NotBefore(Timestamp),
    /// Whose turn it is can't be told now.
    Unavailable,
}

/// Whether flows of an operation need no row while somebody waits for them: they leave nothing behind, and running them
/// again costs nobody anything.
pub(in crate::usecases) fn needs_no_row(operation: &Arc<dyn Operation>, params: &Params) -> bool {
    let leaves_nothing = |step: &Step| {
        let operation = &step.operation;
        let unlimited = operation.limits() == Limits::default();
        // Who stands in line has a row that says where.
        operation.description().cost == Cost::Free && operation.longest_job().is_zero() && unlimited
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
            let wait = match self.try_steps(flow, &steps, url).await {
                Ok((product, asset)) => return Unkept::Made { product, asset },
                Err(NotMade::Unavailable) => return Unkept::Later,
                Err(NotMade::NotBefore(until)) => self.time_until(until),
                Err(NotMade::Failed { error, retry }) => match error {
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
                },
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
    ) -> Result<(Product, Bytes), NotMade> {
        let [first, others @ ..] = steps else {
            return Err(NotMade::Unavailable);
        };
        let named = |it: NotMade, step: &Step| match others {
            [] => it,
            _ => it.of_step(step),
        };
        // Before anything is fetched.
        let pass = self.unkept_turn_at(flow, first).await?;
        let asset = match self.sources.fetch(&flow.tenant, url).await {
            Ok(asset) => asset,
            Err(error) => {
                let name = &first.operation.description().name;
                self.pacer.ended(name, flow.id, pass, Ended::Unused).await;
                let retry = first.retry;
                return Err(NotMade::Failed { error, retry });
            }
        };
        let fetched = asset.content.clone();
        let made = self.try_step(flow, first, pass, asset).await;
        let mut made = made.map_err(|it| named(it, first))?;
        for step in others {
            let asset = Asset {
                url: url.clone(),
                content: made.content,
            };
            let pass = self.unkept_turn_at(flow, step).await?;
            let next = self.try_step(flow, step, pass, asset).await;
            made = next.map_err(|it| named(it, step))?;
        }
        Ok((made, fetched))
    }

    async fn unkept_turn_at(&self, flow: &Flow, step: &Step) -> Result<Pass, NotMade> {
        // It has no limits, and waits for no place.
        let waiting = Waiting::Nobody;
        match self.turn_at(step, flow, waiting).await {
            Ok(Ok(turn)) => Ok(turn.pass),
            Ok(Err(place)) => Err(NotMade::NotBefore(place.until)),
            Err(_) => Err(NotMade::Unavailable),
        }
    }

    async fn try_step(
        &self,
        flow: &Flow,
        step: &Step,
        pass: Pass,
        asset: Asset,
    ) -> Result<Product, NotMade> {
        let backpressure = Backpressure::default();
        let call = Call {
            tenant: flow.tenant.clone(),
            asset,
            params: step.params.clone(),
            reference: flow.next_reference(),
            backpressure: backpressure.clone(),
        };
        let run = self.begin_in_time(step, call).await;
        let ended = match &run {
            Ok(_) => Ended::Well,
            Err(error) => Ended::of(error),
        };
        let ended = ended.with(&backpressure);
        let name = &step.operation.description().name;
        self.pacer.ended(name, flow.id, pass, ended).await;
        let error = match run {
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
        let retry = step.retry;
        Err(NotMade::Failed { error, retry })
    }
}

impl NotMade {
    fn of_step(self, step: &Step) -> Self {
        match self {
            Self::Failed { error, retry } => Self::Failed {
                error: error.of_step(&step.operation.description().name),
                retry,
            },
            not_made @ (Self::NotBefore(_) | Self::Unavailable) => not_made,
        }
    }
}
