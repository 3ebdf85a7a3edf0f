//! Accepting a batch, and handing it to the queue.

use std::sync::Arc;

use super::completion::note_settled;
use super::transform_request::{RequestedSource, TransformRequest};
use crate::ports::{Clock, FlowQueue, FlowWrites, Outgoing, Unavailable};
use crate::{
    Batch, BatchId, Counts, Flow, FlowId, History, Progress, Source, Status, Webhook, WebhookEvent,
};

/// Accepts batches.
///
/// The timeline, each step after the one before: rows of the flows, row of the batch (from here on
/// it is accepted), messages, mark of the dispatch. After a crash between the last three, the
/// [`Sweep`](super::Sweep) does the rest.
#[derive(Clone)]
pub struct Submit {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// Messages.
    pub queue: Arc<dyn FlowQueue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A batch whose rows are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The batch.
    pub batch: Batch,
    /// Its flows, in the order of the request.
    pub flows: Vec<Flow>,
}

impl Submit {
    /// Accepts an order and sends a message for each of its flows.
    pub async fn start(&self, order: TransformRequest) -> Result<Accepted, Unavailable> {
        self.start_as(order, None).await
    }

    /// As [`start`](Self::start), for a batch that runs the failures of another again.
    ///
    /// # Errors
    /// As there.
    pub async fn start_as(
        &self,
        order: TransformRequest,
        retry_of: Option<BatchId>,
    ) -> Result<Accepted, Unavailable> {
        let mut accepted = self.rows(order, retry_of, |_, _| FlowId::generate());
        self.address(&mut accepted).await?;
        self.write_and_dispatch(&accepted).await?;
        tracing::debug!(
            batch_id = %accepted.batch.id,
            tenant = %accepted.batch.tenant,
            operation = %accepted.batch.operation,
            flows = accepted.flows.len(),
            "batch started"
        );
        Ok(accepted)
    }

    /// Notes in the rows of flows who is told when they settle. MUST be done before they are written, of which their
    /// acceptance follows.
    pub(super) async fn address(&self, accepted: &mut Accepted) -> Result<(), Unavailable> {
        let Accepted { batch, flows } = accepted;
        let of_tenant = self.flows.webhooks(&batch.tenant).await?;
        let wanting = |event| -> Vec<_> {
            let all = of_tenant.iter().chain(batch.webhook.as_deref());
            let wanting = all.filter(|webhook| webhook.wants(event));
            wanting.map(|webhook| webhook.id).collect()
        };
        let tells = wanting(WebhookEvent::FlowSettled);
        let tells_progress = wanting(WebhookEvent::BatchProgress);
        for flow in flows {
            flow.tells.clone_from(&tells);
            flow.tells_progress.clone_from(&tells_progress);
        }
        Ok(())
    }

    /// Accepts a batch and sends what there is to send for it.
    pub(super) async fn write_and_dispatch(&self, accepted: &Accepted) -> Result<(), Unavailable> {
        self.write(accepted).await?;
        self.dispatch(&accepted.batch, &accepted.flows).await
    }

    /// Writes rows. Nothing is sent: until [`dispatch`](Self::dispatch), the caller or the sweep has to look after the
    /// flows.
    pub(super) async fn write(&self, accepted: &Accepted) -> Result<(), Unavailable> {
        self.flows.put_flows(&accepted.flows).await?;
        self.flows.put_batch(&accepted.batch).await
    }

    /// Sends a message for each flow that is not settled, counts those that are, and marks the
    /// batch as dispatched. `flows` MUST be all flows of the batch.
    pub(super) async fn dispatch(&self, batch: &Batch, flows: &[Flow]) -> Result<(), Unavailable> {
        let (settled, open): (Vec<_>, Vec<_>) =
            flows.iter().partition(|flow| flow.state().is_settled());
        note_settled(&*self.flows, &settled, self.clock.now()).await?;
        let messages: Vec<_> = open
            .into_iter()
            .map(|flow| Outgoing::now(flow.message()))
            .collect();
        if !messages.is_empty() {
            self.queue.send(&messages).await?;
        }
        self.flows.mark_dispatched(batch.id, self.clock.now()).await
    }

    /// The rows of an order, whose flows have these ids.
    pub(super) fn rows(
        &self,
        order: TransformRequest,
        retry_of: Option<BatchId>,
        flow_id: impl Fn(BatchId, u32) -> FlowId,
    ) -> Accepted {
        let now = self.clock.now();
        let batch_id = BatchId::generate();
        let operation = order.operation.description().name.clone();
        let flows: Vec<_> = (0..)
            .zip(order.sources.as_slice())
            .map(|(index, source)| {
                let (source, status) = match source {
                    RequestedSource::Asset(url) => (
                        Source::Asset(url.clone()),
                        Status::Pending {
                            not_before: None,
                            last_failure: None,
                        },
                    ),
                    RequestedSource::Refused(shown, refusal) => (
                        Source::Refused(shown.clone()),
                        Status::Failed {
                            failure: (*refusal).into(),
                            settled_at: now,
                        },
                    ),
                };
                Flow {
                    id: flow_id(batch_id, index),
                    revision: 1,
                    batch_id,
                    index,
                    tenant: order.tenant.clone(),
                    source,
                    operation: operation.clone(),
                    params: order.params.clone(),
                    status,
                    attempts: 0,
                    fence: 0,
                    unconfirmed_calls: 0,
                    progress: Progress::default(),
                    history: History::default(),
                    tells: Vec::new(),
                    tells_progress: Vec::new(),
                    due_at: None,
                    created_at: now,
                    started_at: None,
                }
            })
            .collect();
        let webhook = order.webhook.map(|asked| {
            let webhook = Webhook::of_batch(asked, batch_id, order.tenant.clone(), now);
            Box::new(webhook)
        });
        let batch = Batch {
            id: batch_id,
            tenant: order.tenant,
            operation,
            params: order.params,
            // At most `MAX_BATCH`.
            size: u32::try_from(flows.len()).unwrap_or(u32::MAX),
            retry_of,
            name: order.name,
            labels: order.labels,
            webhook,
            created_at: now,
            dispatched_at: None,
            completed_at: None,
            counted: Counts::default(),
        };
        Accepted { batch, flows }
    }
}
