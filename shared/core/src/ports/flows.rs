//! Rows of flows and batches.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::{Outbox, ResultCache, Unavailable, WorkClaim, WorkHolder};
use crate::{
    Batch, BatchId, Counts, Flow, FlowId, FlowRef, FlowState, Output, SettledFlow, TenantId,
    WebhookDelivery, WorkKey,
};

/// How many rows are changed at the same time, where each is a write of its own.
const CHANGED_AT_ONCE: usize = 64;

/// The most flows of a page.
const A_PAGE: u32 = 1_000;

/// Reads flows and batches.
#[async_trait]
pub trait FlowReads: Send + Sync {
    /// The flows with these ids, in the order of `ids`. MUST answer `None` for an id that does not
    /// exist or belongs to another tenant, MUST see every write that was answered before, and MUST
    /// take any number of ids up to [`MAX_BATCH`](crate::MAX_BATCH).
    async fn flows(
        &self,
        tenant: &TenantId,
        ids: &[FlowId],
    ) -> Result<Vec<Option<Flow>>, Unavailable>;

    /// One batch. MUST answer `None` for an id that does not exist or belongs to another tenant, and
    /// MUST see every write that was answered before.
    async fn batch(&self, tenant: &TenantId, id: BatchId) -> Result<Option<Batch>, Unavailable>;

    /// Up to `limit` batches of the tenant, the latest first, from the one after `before` on. MAY
    /// lag behind writes.
    async fn batches(
        &self,
        tenant: &TenantId,
        before: Option<BatchId>,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable>;

    /// Up to `limit` flows of a batch by their index, those with an index above `after`; only
    /// those in `state` when one is given. MAY lag behind writes while flows move, and MUST be
    /// exact soon after they rest. MUST answer an empty last page for a batch of another tenant.
    async fn batch_flows(
        &self,
        tenant: &TenantId,
        id: BatchId,
        state: Option<FlowState>,
        after: Option<u32>,
        limit: usize,
    ) -> Result<FlowPage, Unavailable>;

    /// How many flows of a batch are in each state. MAY lag behind writes while flows move, and
    /// MUST equal the states of the flows soon after they rest. MUST count none of a batch of another tenant.
    async fn counts(&self, tenant: &TenantId, id: BatchId) -> Result<Counts, Unavailable>;

    /// How far a batch is that was read just now, for a list of many: MUST cost no more than a page of its flows, however
    /// many it has. MAY count flows that run as pending, and settled ones that were not [counted](Batch::counted).
    async fn progress(&self, batch: &Batch) -> Result<Counts, Unavailable> {
        if let Some(counts) = batch.final_counts() {
            return Ok(counts);
        }
        // A complete one whose row does not tell is from before rows did.
        if batch.size <= A_PAGE || batch.completed_at.is_some() {
            return self.counts(&batch.tenant, batch.id).await;
        }
        Ok(batch.counts_so_far())
    }

    /// How many flows the tenant's batches have that are dispatched and not complete: all flows of such a batch,
    /// settled or not. MAY stop counting above `enough`, and MAY lag behind writes. MUST count none of another
    /// tenant's.
    async fn open_flows(&self, tenant: &TenantId, enough: u64) -> Result<u64, Unavailable>;
}

/// Writes flows and batches. Each call changes one row, or rows that need not change together. What follows from their
/// completion is noted in the same store.
#[async_trait]
pub trait FlowWrites: FlowReads + Outbox {
    /// Writes the rows of new flows. MUST take any number up to [`MAX_BATCH`](crate::MAX_BATCH),
    /// and MUST have written all of them when it answers `Ok`. After an error some may be written.
    async fn put_flows(&self, flows: &[Flow]) -> Result<(), Unavailable>;

    /// Writes the row of a new batch, which accepts its flows. Flows whose batch was never written
    /// were never accepted. MUST leave a row alone that is there: what became of it stays.
    async fn put_batch(&self, batch: &Batch) -> Result<(), Unavailable>;

    /// Accepts a batch with its flows, as [`put_flows`](Self::put_flows) and then [`put_batch`](Self::put_batch) do; if
    /// one of them is to do work, only where its claim wins. In one write where rows can change together.
    async fn accept(
        &self,
        claim: Option<ClaimOfWork<'_>>,
        batch: &Batch,
        flows: &[Flow],
    ) -> Result<Claiming<()>, Unavailable> {
        let claimed = match claim {
            Some(claim) => claim.make().await?,
            None => Claiming::Claimed(()),
        };
        let written = async {
            self.put_flows(flows).await?;
            self.put_batch(batch).await
        };
        claimed.then(written).await
    }

    /// Notes that nothing is left to send for this batch. MUST be idempotent.
    async fn mark_dispatched(&self, id: BatchId, now: Timestamp) -> Result<(), Unavailable>;

    /// Up to `limit` batches that were created before `created_before` and are not marked as
    /// dispatched. MAY lag behind writes; MUST name each such batch in the end.
    async fn undispatched(
        &self,
        created_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable>;

    /// Up to `limit` flows whose `due_at` is not after `now`, the earliest first. MAY lag behind
    /// writes; MUST name each such flow in the end.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Flow>, Unavailable>;

    /// Changes the row of a flow by a rule, as if nobody else changed it meanwhile: of two changes at the same
    /// time, one MUST be applied to what the other made. A rule that leaves the flow as it is MUST write
    /// nothing, and one that changes it MUST make its revision one higher ([`Flow::apply`] does). Answers the flow
    /// as it was before; `None` if there is none.
    ///
    /// It MAY begin from the guess that comes with the id, and then MUST write what the rule makes of it only if
    /// that is the row; whatever the guess says, the flow that it answers MUST have been the row during the call.
    async fn change(&self, flow: FlowRef, rule: Rule) -> Result<Option<Flow>, Unavailable>;

    /// Changes the rows of several flows by the same rule, each as [`change`](Self::change) does: these are the guesses.
    /// The flows as they were before, without those that don't exist. After an error some may be changed.
    async fn change_all(&self, guesses: Vec<Flow>, rule: Rule) -> Result<Vec<Flow>, Unavailable> {
        let changes = stream::iter(guesses)
            .map(|guess| self.change((&guess).into(), rule.clone()))
            .buffer_unordered(CHANGED_AT_ONCE);
        changes
            .try_filter_map(async |before| Ok(before))
            .try_collect()
            .await
    }

    /// Claims work, and changes the row of the flow that is to do it if the claim wins; in one write where rows can
    /// change together.
    async fn change_claiming(
        &self,
        claim: ClaimOfWork<'_>,
        flow: FlowRef,
        rule: Rule,
    ) -> Result<Claiming<Option<Flow>>, Unavailable> {
        claim.make().await?.then(self.change(flow, rule)).await
    }

    /// Remembers the output of work, if there is one, and then changes the row of the flow that did it, as
    /// [`change`](Self::change) does. If that is settled then, what [its endpoints](WebhookDelivery::of_settled) are told is
    /// noted as by [`put_deliveries`](Outbox::put_deliveries), and after that it is counted as by
    /// [`count_settled`](Self::count_settled), and its batch, if it is complete then, marked as by
    /// [`mark_completed`](Self::mark_completed). All in one write where rows can change together.
    async fn change_and_count(
        &self,
        made: Option<MadeWork<'_>>,
        flow: FlowRef,
        rule: Rule,
    ) -> Result<Option<CountedChange>, Unavailable> {
        if let Some(made) = made {
            made.results.complete(made.key, made.output).await?;
        }
        let Some(before) = self.change(flow, rule.clone()).await? else {
            return Ok(None);
        };
        let ((), changed) = before.apply(&*rule);
        let after = changed.as_ref().unwrap_or(&before);
        let mut completion = None;
        let mut told = WebhookDelivery::of_settled(after);
        if self.has_bus() {
            told.extend(WebhookDelivery::announces_settled(after));
        }
        if !told.is_empty() {
            self.put_deliveries(&told).await?;
        }
        if let Some(now) = after.status.settled_at()
            && self.count_settled(after.batch_id, &[after.into()]).await? == SettledCount::Complete
        {
            completion = Some(self.mark_completed(after.batch_id, now).await?);
        }
        Ok(Some(CountedChange { before, completion }))
    }

    /// Notes that these flows are settled, and how. MUST be idempotent, MUST take any number up to
    /// [`MAX_BATCH`](crate::MAX_BATCH), and MUST answer [`SettledCount::Complete`] once every index of the
    /// batch was noted, however often it is asked. From then on the batch MUST be read with its
    /// [`final_counts`](Batch::final_counts), and before MAY be with fewer.
    async fn count_settled(
        &self,
        batch: BatchId,
        settled: &[SettledFlow],
    ) -> Result<SettledCount, Unavailable>;

    /// Notes when the batch completed, and in the same write that something is to follow from it: the batch is
    /// one of [`completions`](Self::completions) from then on, and has nothing left to send. MUST answer [`Completion::First`] to exactly one
    /// caller whose call took effect, and keep the time of that one. Where the same write can tell that nobody is to be told,
    /// neither an endpoint nor a bus, that caller MAY be answered [`Completion::Unheard`], and nothing is to follow.
    async fn mark_completed(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Completion, Unavailable>;

    /// Up to `limit` batches that completed before `completed_before`, from which not all has followed. MAY lag
    /// behind writes; MUST name each such batch in the end.
    async fn completions(
        &self,
        completed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable>;

    /// Notes that all has followed from the completion of a batch. MUST be idempotent.
    async fn completion_done(&self, batch: BatchId) -> Result<(), Unavailable>;
}

/// What a change makes of a flow. MUST make the same of the same flow each time: adapters may try it on a row
/// that turns out to have changed, and then on what it became.
pub type Rule = Arc<dyn Fn(&mut Flow) + Send + Sync>;

/// A claim of work that comes before something is written about the flow that is to do it.
#[derive(Clone, Copy)]
pub struct ClaimOfWork<'a> {
    /// Where work is claimed. MUST be of the same store as the flow.
    pub results: &'a dyn ResultCache,
    /// The work.
    pub key: &'a WorkKey,
    /// Who is to do it.
    pub holder: WorkHolder,
    /// The time.
    pub now: Timestamp,
    /// When the claim ends.
    pub until: Timestamp,
}

impl ClaimOfWork<'_> {
    /// Makes the claim by itself.
    pub async fn make(&self) -> Result<Claiming<()>, Unavailable> {
        let made = self
            .results
            .claim(self.key, self.holder, self.now, self.until);
        Ok(made.await?.into())
    }
}

/// What became of a claim of work, and of what was to be written if it won.
#[derive(Debug, Clone, PartialEq)]
pub enum Claiming<Written> {
    /// It won.
    Claimed(Written),
    /// Another flow does the work, at most until then. Nothing was written.
    Held {
        /// When its claim ends.
        until: Timestamp,
    },
    /// The work was done. Nothing was written.
    Done(Output),
}

impl<Written> Claiming<Written> {
    /// The same, with what a function makes of what was written.
    pub fn map<T>(self, made: impl FnOnce(Written) -> T) -> Claiming<T> {
        match self {
            Self::Claimed(written) => Claiming::Claimed(made(written)),
            Self::Held { until } => Claiming::Held { until },
            Self::Done(output) => Claiming::Done(output),
        }
    }

    /// Writes what is to be written if the claim won, and nothing else.
    pub async fn then<T>(
        self,
        write: impl Future<Output = Result<T, Unavailable>> + Send,
    ) -> Result<Claiming<T>, Unavailable> {
        match self {
            Self::Claimed(_) => Ok(Claiming::Claimed(write.await?)),
            Self::Held { until } => Ok(Claiming::Held { until }),
            Self::Done(output) => Ok(Claiming::Done(output)),
        }
    }
}

impl From<WorkClaim> for Claiming<()> {
    fn from(claim: WorkClaim) -> Self {
        match claim {
            WorkClaim::Claimed => Self::Claimed(()),
            WorkClaim::Held { until } => Self::Held { until },
            WorkClaim::Done(output) => Self::Done(output),
        }
    }
}

/// What a flow made, to be remembered as the output of its work.
#[derive(Clone, Copy)]
pub struct MadeWork<'a> {
    /// Where it is remembered. MUST be of the same store as the flow.
    pub results: &'a dyn ResultCache,
    /// The work.
    pub key: &'a WorkKey,
    /// What came of it.
    pub output: &'a Output,
}

/// What became of a flow that is counted if it is settled.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedChange {
    /// The flow as it was before.
    pub before: Flow,
    /// Who noted the completion of its batch, if every flow of it was counted then.
    pub completion: Option<Completion>,
}

/// A page of the flows of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FlowPage {
    /// The flows, by index.
    pub flows: Vec<Flow>,
    /// The index to continue after; `None` when this page is the last.
    pub next: Option<u32>,
}

/// Whether every flow of a batch was noted as settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettledCount {
    /// Some was not.
    Open,
    /// Every one was.
    Complete,
}

/// Who noted the completion of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// The caller did.
    First,
    /// The caller did, and nobody is to be told of it.
    Unheard,
    /// Somebody had.
    Already,
}
