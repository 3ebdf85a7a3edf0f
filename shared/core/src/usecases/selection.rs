//! Flows of a tenant in whichever batches.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::ports::{FlowReads, Unavailable};
use crate::{BatchId, FlowFilter, FlowId, FlowState, TenantId};

/// How long batches are gone through for one request: half of what API Gateway gives an answer, so that the last of
/// them can be ended with.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many batches are read at once.
const BATCHES_AT_ONCE: usize = 100;

/// Which flows of a tenant something is done to: a filter that says something. Nothing said would mean all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection(FlowFilter);

/// Why flows that were selected can't be found.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// The tenant has no flow of this id.
    #[error("there is no flow {0}")]
    Unknown(FlowId),
    /// A dependency failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// How many flows of which batches something is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The batches, the latest first.
    pub batches: Vec<AffectedBatch>,
    /// Whether every batch was looked at. It takes several requests where there are very many.
    pub complete: bool,
}

/// A batch of whose flows something is done to some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedBatch {
    /// Its id.
    pub id: BatchId,
    /// How many flows: at least one.
    pub flows: u32,
    /// What means those of its flows.
    pub filter: FlowFilter,
}

impl Selection {
    /// What the filter means; `None` if it says nothing.
    pub fn of(filter: FlowFilter) -> Option<Self> {
        (filter != FlowFilter::default()).then_some(Self(filter))
    }

    /// Of the same flows those that were settled by then.
    #[must_use]
    pub fn settled_until(mut self, until: Timestamp) -> Self {
        self.0.settled_until = Some(until);
        self
    }

    /// The filter.
    pub fn filter(&self) -> &FlowFilter {
        &self.0
    }
}

impl Affected {
    /// How many flows in all.
    pub fn flows(&self) -> u32 {
        self.batches.iter().map(|batch| batch.flows).sum()
    }
}

/// A batch that may have flows that are selected, and the filter that means those of it.
pub(super) type Part = (BatchId, FlowFilter);

/// The batches that may have flows in one state that are selected, the latest first.
pub(super) struct Parts<'a> {
    flows: &'a dyn FlowReads,
    tenant: &'a TenantId,
    found: VecDeque<Part>,
    /// The batches that run failures of others again, by those, as far as they were read.
    retries: HashMap<BatchId, Vec<BatchId>>,
    /// What is looked for in batches that are not read yet, and the batch after which they come.
    unread: Option<(FlowFilter, Option<BatchId>)>,
    until: Instant,
    complete: bool,
}

impl<'a> Parts<'a> {
    /// # Errors
    /// [`SelectionError::Unknown`] with the first of the ids that the tenant has no flow of.
    pub(super) async fn new(
        flows: &'a dyn FlowReads,
        tenant: &'a TenantId,
        selection: &Selection,
        state: FlowState,
    ) -> Result<Self, SelectionError> {
        let filter = selection.filter();
        let meant = filter.within(state);
        let (found, unread) = match (&filter.ids, meant) {
            (None, meant) => (VecDeque::new(), meant.map(|filter| (filter, None))),
            (Some(ids), meant) => (named(flows, tenant, ids, meant).await?, None),
        };
        Ok(Self {
            flows,
            tenant,
            found,
            retries: HashMap::new(),
            unread,
            until: Instant::now() + PATIENCE,
            complete: true,
        })
    }

    /// The next one; `None` after the last, and when it has taken too long.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, Unavailable> {
        loop {
            let is_last = self.found.is_empty() && self.unread.is_none();
            if is_last || Instant::now() >= self.until {
                self.complete = is_last;
                return Ok(None);
            }
            match self.found.pop_front() {
                Some(part) => return Ok(Some(part)),
                None => self.read().await?,
            }
        }
    }

    /// The batches that run failures of this one again, if it was found among others: they were accepted later, and so
    /// were read before it.
    pub(super) fn retries_of(&self, id: BatchId) -> &[BatchId] {
        self.retries.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether every batch was looked at, once there is no next one.
    pub(super) fn complete(&self) -> bool {
        self.complete
    }

    async fn read(&mut self) -> Result<(), Unavailable> {
        let Some((filter, before)) = self.unread.take() else {
            return Ok(());
        };
        let batches = self
            .flows
            .batches(self.tenant, before, BATCHES_AT_ONCE)
            .await?;
        for batch in &batches {
            // A request that is sent again must not find what it began itself.
            let before = |until| batch.created_at < until;
            if let Some(of) = batch.retry_of
                && filter.settled_until.is_none_or(before)
            {
                self.retries.entry(of).or_default().push(batch.id);
            }
        }
        // What was accepted earlier has settled before what is looked for.
        let is_last = batches.len() < BATCHES_AT_ONCE;
        let last = batches.last().filter(|_| !is_last);
        let last = last.filter(|batch| batch.created_at >= filter.accepted_since());
        let after = last.map(|batch| batch.id);
        let found = batches
            .iter()
            .filter(|batch| filter.may_mean_some_of(batch))
            .map(|batch| (batch.id, filter.clone()));
        self.found.extend(found);
        self.unread = after.map(|after| (filter, Some(after)));
        Ok(())
    }
}

/// The batches of flows that are named by their ids, and are meant.
async fn named(
    flows: &dyn FlowReads,
    tenant: &TenantId,
    ids: &BTreeSet<FlowId>,
    meant: Option<FlowFilter>,
) -> Result<VecDeque<Part>, SelectionError> {
    let ids: Vec<_> = ids.iter().copied().collect();
    let mut by_batch = BTreeMap::<BatchId, BTreeSet<FlowId>>::new();
    for (id, flow) in ids.iter().zip(flows.flows(tenant, &ids).await?) {
        let flow = flow.ok_or(SelectionError::Unknown(*id))?;
        if meant.as_ref().is_some_and(|filter| filter.matches(&flow)) {
            by_batch.entry(flow.batch_id).or_default().insert(flow.id);
        }
    }
    let filter = meant.unwrap_or_default();
    let part = |(batch, ids)| {
        let ids = Some(ids);
        (
            batch,
            FlowFilter {
                ids,
                ..filter.clone()
            },
        )
    };
    Ok(by_batch.into_iter().rev().map(part).collect())
}
