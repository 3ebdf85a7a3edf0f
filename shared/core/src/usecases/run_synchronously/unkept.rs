//! Answering without rows, where nobody needs any.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::Instant;

use super::{Answered, Made, PARALLEL, Products, RunSynchronously};
use crate::ports::Unavailable;
use crate::usecases::process::{Unkept, product_output};
use crate::usecases::submit::Accepted;
use crate::{CallEnd, Flow, Operation, Product, Report, Settlement, Status};

impl RunSynchronously {
    /// Runs flows that have no rows until `deadline`. Those that are to outlive their caller are accepted then, with all
    /// others of the request, and go to the queue.
    pub(super) async fn run_unkept(
        &self,
        operation: &Arc<dyn Operation>,
        mut accepted: Accepted,
        products: Products,
        deadline: Instant,
    ) -> Result<Answered, Unavailable> {
        let open = std::mem::take(&mut accepted.flows).into_iter();
        let runs = stream::iter(open)
            .map(|flow| self.settle_unkept(operation, flow, products, deadline))
            .buffered(PARALLEL);
        let mut made = None;
        let mut runs = std::pin::pin!(runs);
        while let Some(run) = runs.next().await {
            let (flow, of_flow) = run?;
            accepted.flows.push(flow);
            made = of_flow;
        }
        let settled = |flow: &Flow| flow.state().is_settled();
        if accepted.flows.iter().all(settled) {
            if self.keeps {
                self.keep_behind(accepted.clone(), made.clone());
            } else {
                self.meter.count_unkept(&accepted.flows);
            }
            return Ok(Answered {
                accepted,
                kept: self.keeps,
                made,
            });
        }
        self.submit.address(&mut accepted).await?;
        self.submit.write_and_dispatch(&accepted).await?;
        Ok(accepted.into())
    }

    async fn settle_unkept(
        &self,
        operation: &Arc<dyn Operation>,
        mut flow: Flow,
        products: Products,
        deadline: Instant,
    ) -> Result<(Flow, Option<Made>), Unavailable> {
        if flow.state().is_settled() {
            return Ok((flow, None));
        }
        let process = &self.work.process;
        let permit = self.permits.take(&flow.tenant, 1);
        let Ok(_permit) = tokio::time::timeout_at(deadline, permit).await else {
            return Ok((flow, None));
        };
        let began = process.clock.now();
        let (settlement, made) = match process.run_unkept(&flow, operation, deadline).await {
            Unkept::Later => return Ok((flow, None)),
            Unkept::Failed(failure) => (Settlement::Failed(failure), None),
            Unkept::Made { product, asset } => {
                let output = product_output(&flow.tenant, &product);
                let Product {
                    content,
                    media_type,
                } = product;
                let made = match products {
                    Products::AtHand => Some(Made::NotStored { content, asset }),
                    Products::Stored => {
                        let outputs = &process.outputs;
                        outputs.put(&output.key, content, &media_type).await?;
                        None
                    }
                };
                (Settlement::Completed(output), made)
            }
        };
        // By the rules, so that it is as if it had been kept.
        flow.claim(began, began + process.limits.lease);
        let now = process.clock.now();
        flow.settle(flow.fence, settlement, Report::from(CallEnd::NoCall), now);
        Ok((flow, made))
    }

    /// Writes the rows of flows that are settled already, after their caller was answered.
    fn keep_behind(&self, accepted: Accepted, made: Option<Made>) {
        let run = self.clone();
        self.attempts.spawn(async move {
            let batch_id = accepted.batch.id;
            if let Err(error) = run.keep(accepted, made).await {
                tracing::warn!(
                    %batch_id,
                    error = &error as &dyn std::error::Error,
                    "flows that were answered are not kept"
                );
            }
        });
    }

    async fn keep(&self, mut accepted: Accepted, made: Option<Made>) -> Result<(), Unavailable> {
        let only = accepted.flows.first().map(|flow| &flow.status);
        if let (Some(made), Some(Status::Completed { output, .. })) = (made, only) {
            made.store(output, &*self.work.process.outputs).await?;
        }
        self.submit.address(&mut accepted).await?;
        self.submit.write_and_dispatch(&accepted).await
    }
}
