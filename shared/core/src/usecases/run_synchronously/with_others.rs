//! Answering at once where others may be at the same flows: another caller who asked for the same, or the queue.

use std::time::Duration;

use tokio::time::Instant;

use super::{Accepted, Answered, LOOK_AFTER, LOOK_AFTER_AT_MOST, Products, RunSynchronously};
use crate::ports::Unavailable;
use crate::{Flow, Status};

/// What the caller of a flow can do for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    /// Nothing: it is settled, or it can't be soon enough.
    Nothing,
    /// Wait for who has it.
    Watch,
    /// Run it, if nobody else does.
    Run,
}

impl RunSynchronously {
    /// Runs a batch whose rows are written until `deadline`, and waits for the flows that others hold. The flows as they
    /// are then; those not settled are in the queue. Flows that were `dispatched` are left to the queue.
    pub(in crate::usecases) async fn run_with_others(
        &self,
        mut accepted: Accepted,
        dispatched: bool,
        products: Products,
        deadline: Instant,
    ) -> Result<Answered, Unavailable> {
        let mut rest = LOOK_AFTER;
        let mut made = None;
        loop {
            let ahead = |flow: &Flow| self.ahead(flow, dispatched, deadline);
            let mine = accepted.flows.iter();
            // Claimed before anything is done: the others come at the same time, and see who has it.
            let mine: Vec<_> = mine
                .filter(|flow| ahead(flow) == Ahead::Run)
                .map(|flow| flow.message().without_row())
                .collect();
            if !mine.is_empty() {
                made = self
                    .run_until(mine, self.work.clone(), products, deadline)
                    .await;
                accepted.flows = self.reread(&accepted).await?;
            }
            let settles = |flow: &Flow| self.ahead(flow, dispatched, deadline) != Ahead::Nothing;
            if !accepted.flows.iter().any(settles) || Instant::now() + rest >= deadline {
                break;
            }
            tokio::time::sleep(rest).await;
            rest = (rest * 3 / 2).min(LOOK_AFTER_AT_MOST);
            accepted.flows = self.reread(&accepted).await?;
        }
        if !dispatched {
            self.submit
                .dispatch(&accepted.batch, &accepted.flows)
                .await?;
        }
        Ok(Answered {
            made,
            ..accepted.into()
        })
    }

    fn ahead(&self, flow: &Flow, dispatched: bool, deadline: Instant) -> Ahead {
        let wait = |until| self.work.process.time_until(until);
        let left = deadline.saturating_duration_since(Instant::now());
        match flow.status {
            Status::Completed { .. } | Status::Failed { .. } | Status::Cancelled { .. } => {
                Ahead::Nothing
            }
            // What comes after the deadline keeps nobody waiting: its caller is told at once.
            Status::Pending {
                not_before: Some(until),
                ..
            } if wait(until) >= left => Ahead::Nothing,
            _ if dispatched => Ahead::Watch,
            Status::Running { lease_until, .. } if wait(lease_until) > Duration::ZERO => {
                Ahead::Watch
            }
            Status::Pending { .. } | Status::Running { .. } => Ahead::Run,
        }
    }
}
