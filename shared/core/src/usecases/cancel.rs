//! Stopping what has not started.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::completion::note_settled;
use super::pages::all_flows_in;
use super::selection::{Affected, AffectedBatch, Parts, Selection, SelectionError};
use crate::pacing::{LineId, Slot};
use crate::ports::{Clock, FlowChanges as _, FlowWrites, GateRule, Gates, Unavailable};
use crate::{
    Batch, BatchId, Catalogue, Counts, Flow, FlowFilter, FlowId, FlowState, OperationName, Step,
    TenantId,
};

/// Cancels batches.
#[derive(Clone)]
pub struct Cancel {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// What flows wait for.
    pub catalogue: Catalogue,
    /// Where they wait for it.
    pub gates: Arc<dyn Gates>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The places that flows have in lines.
type Places = BTreeMap<OperationName, Vec<(FlowId, Slot)>>;

/// What cancelling a batch did.
#[derive(Debug, Clone, PartialEq)]
pub struct Cancelled {
    /// The batch.
    pub batch: Batch,
    /// How many flows it stopped.
    pub cancelled: u32,
    /// How its flows are now.
    pub counts: Counts,
}

impl Cancel {
    /// Cancels every pending flow of a batch that a filter means; what runs or is settled stays as it is. With `dry_run`
    /// it changes nothing and tells how many those are. `None` if the tenant has no such batch.
    pub async fn of_batch(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
        dry_run: bool,
    ) -> Result<Option<Cancelled>, Unavailable> {
        let Some(batch) = self.flows.batch(tenant, id).await? else {
            return Ok(None);
        };
        Ok(Some(Cancelled {
            cancelled: self.part(tenant, id, filter, dry_run).await?,
            counts: self.flows.counts(tenant, id).await?,
            batch,
        }))
    }

    /// The same of every pending flow that is selected, batch by batch.
    ///
    /// # Errors
    /// [`SelectionError`]; before anything is cancelled if an id is unknown.
    pub async fn everywhere(
        &self,
        tenant: &TenantId,
        selection: &Selection,
        dry_run: bool,
    ) -> Result<Affected, SelectionError> {
        let mut parts = Parts::new(&*self.flows, tenant, selection, FlowState::Pending).await?;
        let mut batches = Vec::new();
        while let Some((id, filter)) = parts.next().await? {
            match self.part(tenant, id, &filter, dry_run).await? {
                0 => {}
                flows => batches.push(AffectedBatch { id, flows, filter }),
            }
        }
        Ok(Affected {
            batches,
            complete: parts.complete(),
        })
    }

    /// How many flows of a batch it stopped, or with `dry_run` would stop.
    async fn part(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
        dry_run: bool,
    ) -> Result<u32, Unavailable> {
        let mut pending =
            all_flows_in(FlowState::Pending, &*self.flows, tenant, id, filter).await?;
        if dry_run {
            return Ok(count(pending.len()));
        }
        // Workers take the first ones first; from the other end, most are met before them.
        pending.reverse();
        let places = self.places_of(&pending);
        let cancelled = self
            .flows
            .cancel_all(tenant, pending, self.clock.now())
            .await?;
        let settled: Vec<_> = cancelled.iter().collect();
        note_settled(&*self.flows, &settled, self.clock.now()).await?;
        self.leave_lines(tenant, places, &cancelled).await;
        let number = count(cancelled.len());
        tracing::info!(batch_id = %id, %tenant, cancelled = number, "flows cancelled");
        Ok(number)
    }

    fn places_of(&self, flows: &[Flow]) -> Places {
        let mut places = Places::new();
        for flow in flows {
            if let Some(slot) = flow.progress.slot
                && let Some(operation) = self.catalogue.get(flow.operation.as_str())
            {
                let steps = Step::all_of(operation, &flow.params);
                let step = steps.get(flow.progress.done_of(&steps));
                if let Some(step) = step {
                    let name = &step.operation.description().name;
                    let places = places.entry(name.clone()).or_default();
                    places.push((flow.id, slot));
                }
            }
        }
        places
    }

    /// Gives up the places in lines of those that were cancelled, so that nobody who comes after them waits for turns at
    /// which nobody comes. Where it fails, somebody does.
    async fn leave_lines(&self, tenant: &TenantId, places: Places, cancelled: &[Flow]) {
        let cancelled: HashSet<_> = cancelled.iter().map(|flow| flow.id).collect();
        let line = LineId::of(tenant);
        for (operation, places) in places {
            let left = places.into_iter().filter(|(id, _)| cancelled.contains(id));
            let left: Vec<_> = left.map(|(_, slot)| slot).collect();
            let rule: GateRule = Arc::new(move |gate| gate.leave(line, &left));
            if let Err(error) = self.gates.change_gate(&operation, None, rule).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%operation, %tenant, error, "places in line were not given up");
            }
        }
    }
}

/// Flows of one batch.
fn count(flows: usize) -> u32 {
    u32::try_from(flows).unwrap_or(u32::MAX)
}
