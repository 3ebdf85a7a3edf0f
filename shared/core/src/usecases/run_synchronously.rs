//! Answering at once: the flows of a small batch run while the caller waits.

mod late_rows;
mod made;
mod unkept;
mod with_others;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use self::late_rows::LateRows;
pub use self::made::Made;
use super::message_handler::MessageHandler;
use super::meter::Meter;
use super::process::{Outcome, Products, Waiting, needs_no_row};
use super::submit::{Accepted, Submit};
use super::transform_request::TransformRequest;
use crate::ports::Unavailable;
use crate::{Flow, FlowId, FlowMessage, Shares};

/// Runs batches while their caller waits.
///
/// Before something is paid for, its batch is accepted, so a crash loses nothing: the sweep finds it. Until then, and
/// while nothing costs money, there are no rows while the caller waits: whoever is told of a crash asks again. What does
/// not settle in time goes to the queue.
#[derive(Clone)]
pub struct RunSynchronously {
    /// How they are accepted.
    pub submit: Submit,
    /// How their flows run.
    pub work: MessageHandler,
    /// Where flows run: one each.
    pub permits: Shares,
    /// The attempts that are going on: whoever ends the process waits for them.
    pub attempts: TaskTracker,
    /// How long callers are kept waiting. MUST be less than the grace of the sweep.
    pub answer_within: Duration,
    /// Whether flows are kept that nobody needs a row of: they are written once their caller is answered.
    pub keeps: bool,
    /// What counts those of which there is no row. MUST be the one that counts the others ([`Meter::around`]).
    pub meter: Meter,
}

/// The flows of a request whose caller waited.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// As they are then. Those that are not settled are in the queue.
    pub accepted: Accepted,
    /// Whether they can be asked for.
    pub kept: bool,
    /// What the one flow made; `None` where it has to be read from where outputs are stored.
    pub made: Option<Made>,
}

impl From<Accepted> for Answered {
    fn from(accepted: Accepted) -> Self {
        Self {
            accepted,
            kept: true,
            made: None,
        }
    }
}

/// How soon a flow that was handed over is looked at, and how seldom it is in the end.
const LOOK_AFTER: Duration = Duration::from_millis(100);
const LOOK_AFTER_AT_MOST: Duration = Duration::from_secs(1);

/// How many flows of one batch stand in line for a place.
const PARALLEL: usize = 16;

impl RunSynchronously {
    /// Runs an order for as long as the caller can wait. The flows as they are then, in the order of the request;
    /// those not settled are in the queue. Only what outlives its caller, or costs money, is accepted as a batch.
    pub async fn run(
        &self,
        order: TransformRequest,
        products: Products,
    ) -> Result<Answered, Unavailable> {
        let deadline = Instant::now() + self.answer_within;
        let operation = order.operation.clone();
        let unkept = needs_no_row(&operation, &order.params);
        let mut accepted = self.submit.rows(order, None, |_, _| FlowId::generate());
        if unkept {
            return self
                .run_unkept(&operation, accepted, products, deadline)
                .await;
        }
        self.submit.address(&mut accepted).await?;
        let behind = self.attempts.clone();
        let rows = LateRows::new(self.submit.flows.clone(), &accepted, behind);
        let rows = Arc::new(rows);
        let mut work = self.work.clone();
        work.process.flows = rows.clone();
        let open = accepted.flows.iter();
        let open = open.filter(|flow| !flow.state().is_settled());
        let made = self
            .run_until(open.map(Flow::message).collect(), work, products, deadline)
            .await;
        let ended = rows.end().await?;
        accepted.flows = ended.flows;
        if !ended.told {
            self.submit
                .dispatch(&accepted.batch, &accepted.flows)
                .await?;
        }
        Ok(Answered {
            made,
            ..accepted.into()
        })
    }

    /// Runs flows until `deadline`. What the one flow made, if that is to be at hand, unless others made it, or it was late.
    async fn run_until(
        &self,
        flows: Vec<FlowMessage>,
        work: MessageHandler,
        products: Products,
        deadline: Instant,
    ) -> Option<Made> {
        let mut made = None;
        let run = OneRun {
            work,
            permits: self.permits.clone(),
            products,
            deadline,
        };
        let runs = stream::iter(flows)
            // A task of its own: an attempt that the deadline overtakes goes on where it can,
            // instead of being cut off in the middle of a paid call.
            .map(move |message| self.attempts.spawn(run.clone().settle(message)))
            .buffer_unordered(PARALLEL)
            .for_each(|content| {
                made = content.ok().flatten().map(Made::Stored);
                std::future::ready(())
            });
        // Out of time is as good an end as any: what is unfinished is seen in the rows.
        let _ = tokio::time::timeout_at(deadline, runs).await;
        made
    }

    async fn reread(&self, accepted: &Accepted) -> Result<Vec<Flow>, Unavailable> {
        let ids: Vec<_> = accepted.flows.iter().map(|flow| flow.id).collect();
        let rows = self
            .submit
            .flows
            .flows(&accepted.batch.tenant, &ids)
            .await?;
        // Every flow was just written; one that is not found stays as it was accepted.
        Ok(rows
            .into_iter()
            .zip(&accepted.flows)
            .map(|(row, accepted)| row.unwrap_or_else(|| accepted.clone()))
            .collect())
    }
}

/// The run of one flow, for as long as its caller waits.
#[derive(Clone)]
struct OneRun {
    work: MessageHandler,
    permits: Shares,
    products: Products,
    deadline: Instant,
}

impl OneRun {
    /// What the flow made, where it did so now.
    async fn settle(self, mut message: FlowMessage) -> Option<Bytes> {
        loop {
            let step = {
                let _permit = self.permits.take(&message.tenant, 1).await;
                if Instant::now() >= self.deadline {
                    return None;
                }
                let waiting = Waiting::CallerUntil(self.deadline, self.products);
                self.work.process.attempt(message.flow_ref(), waiting).await
            };
            if Instant::now() >= self.deadline {
                self.follow(&message, step).await;
                return None;
            }
            let (until, row) = match step {
                Ok(Outcome::Settled { content }) => return content,
                Ok(Outcome::Wait { until, row }) => (until, row),
                Ok(Outcome::HandOver { .. }) => {
                    self.follow(&message, step).await;
                    self.watch(&message).await;
                    return None;
                }
                Ok(Outcome::Gone | Outcome::Rests) | Err(_) => return None,
            };
            message = match row {
                Some(row) => row.message(),
                None => message.without_row(),
            };
            // What comes after the deadline keeps nobody waiting: its caller is told at once.
            let wait = self.work.process.time_until(until);
            if wait >= self.deadline.saturating_duration_since(Instant::now()) {
                return None;
            }
            let due = Instant::now() + wait;
            tokio::time::sleep_until(due).await;
        }
    }

    /// Waits for a flow that somebody else works on.
    async fn watch(&self, message: &FlowMessage) {
        let mut rest = LOOK_AFTER;
        while Instant::now() + rest < self.deadline {
            tokio::time::sleep(rest).await;
            let rows = self
                .work
                .process
                .flows
                .flows(&message.tenant, &[message.flow_id])
                .await;
            let settled =
                |row: &Option<Flow>| row.as_ref().is_none_or(|flow| flow.state().is_settled());
            if rows.is_ok_and(|rows| rows.iter().all(settled)) {
                return;
            }
            rest = (rest * 3 / 2).min(LOOK_AFTER_AT_MOST);
        }
    }

    /// After the deadline the flow's message is on its way already, and may be waiting for the end of
    /// a lease that ended early.
    async fn follow(&self, message: &FlowMessage, step: Result<Outcome, Unavailable>) {
        if let Err(error) = self.work.follow(message, step).await {
            tracing::warn!(
                flow_id = %message.flow_id,
                error = &error as &dyn std::error::Error,
                "flow waits for the end of its lease"
            );
        }
    }
}
