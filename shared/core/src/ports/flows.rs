//! Rows of flows and batches.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Unavailable;
use crate::{Batch, BatchId, Counts, Failure, Flow, FlowId, FlowState, Output, TenantId};

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
    /// exact soon after they rest.
    async fn batch_flows(
        &self,
        id: BatchId,
        state: Option<FlowState>,
        after: Option<u32>,
        limit: usize,
    ) -> Result<FlowPage, Unavailable>;

    /// How many flows of a batch are in each state. MAY lag behind writes while flows move, and
    /// MUST equal the states of the flows soon after they rest.
    async fn counts(&self, id: BatchId) -> Result<Counts, Unavailable>;
}

/// Writes flows and batches. Each call changes one row, or rows that need not change together.
#[async_trait]
pub trait FlowWrites: FlowReads {
    /// Writes the rows of new flows. MUST take any number up to [`MAX_BATCH`](crate::MAX_BATCH),
    /// and MUST have written all of them when it answers `Ok`. After an error some may be written.
    async fn put_flows(&self, flows: &[Flow]) -> Result<(), Unavailable>;

    /// Writes the row of a new batch, which accepts its flows. Flows whose batch was never written
    /// were never accepted.
    async fn put_batch(&self, batch: &Batch) -> Result<(), Unavailable>;

    /// Notes that nothing is left to send for this batch. MUST be idempotent.
    async fn mark_dispatched(&self, id: BatchId, now: Timestamp) -> Result<(), Unavailable>;

    /// Up to `limit` batches that were created before `created_before` and are not marked as
    /// dispatched. MAY lag behind writes; MUST name each such batch in the end.
    async fn undispatched(
        &self,
        created_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable>;

    /// Claims a flow for one attempt. A flow that is pending and due, or running under a lease
    /// that ended, MUST become running until `lease_until`, with `attempts` and `fence` one
    /// higher; of several claims at the same time exactly one MUST win. `abandoned` counts the leases
    /// in a row that ended so. `started_at` is set by the first.
    async fn claim(
        &self,
        id: FlowId,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Claim, Unavailable>;

    /// Notes that a paid call is about to be made: adds one to `unconfirmed_calls`. MUST change
    /// nothing unless the flow runs under `fence`.
    async fn begin_call(&self, id: FlowId, fence: u64) -> Result<Fenced, Unavailable>;

    /// Moves a running flow to a terminal state. MUST change nothing unless the flow runs under
    /// `fence`.
    async fn settle(
        &self,
        id: FlowId,
        fence: u64,
        settlement: Settlement,
        call: CallEnd,
        now: Timestamp,
    ) -> Result<Fenced, Unavailable>;

    /// Moves a running flow back to pending. MUST change nothing unless the flow runs under
    /// `fence`.
    async fn defer(
        &self,
        id: FlowId,
        fence: u64,
        deferral: Deferral,
        call: CallEnd,
    ) -> Result<Fenced, Unavailable>;

    /// Settles a flow as failed whoever holds it: for one whose message is a dead letter. MUST
    /// leave a settled flow as it is. The flow as it is afterwards; `None` if there is none.
    async fn bury(
        &self,
        id: FlowId,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Option<Flow>, Unavailable>;

    /// Cancels a flow of the tenant that is pending. MUST leave a flow in any other state as it
    /// is.
    async fn cancel(
        &self,
        tenant: &TenantId,
        id: FlowId,
        now: Timestamp,
    ) -> Result<Cancellation, Unavailable>;

    /// Notes that the flows at `indexes` are settled. MUST be idempotent, MUST take any number up to
    /// [`MAX_BATCH`](crate::MAX_BATCH), and MUST answer [`Tally::Complete`] once every index of the
    /// batch was noted, however often it is asked.
    async fn tally(&self, batch: BatchId, indexes: &[u32]) -> Result<Tally, Unavailable>;

    /// Notes when the batch completed. MUST answer [`Announcement::First`] to exactly one caller
    /// whose call took effect, and keep the time of that one.
    async fn announce(&self, batch: BatchId, now: Timestamp) -> Result<Announcement, Unavailable>;
}

/// A page of the flows of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FlowPage {
    /// The flows, by index.
    pub flows: Vec<Flow>,
    /// The index to continue after; `None` when this page is the last.
    pub next: Option<u32>,
}

/// What became of a wish to claim a flow.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The flow, now running, for the caller alone.
    Claimed(Flow),
    /// Another worker holds it until then.
    Leased {
        /// When the lease ends.
        until: Timestamp,
    },
    /// It is not due before then.
    TooEarly {
        /// When it is due.
        until: Timestamp,
    },
    /// It is settled already.
    Settled(Flow),
    /// There is no such flow.
    Unknown,
}

/// Whether the caller still held the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fenced {
    /// It did, and the change was made.
    Done,
    /// It did not: nothing was changed.
    Lost,
}

/// How a flow ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// With an output, which is stored already.
    Completed(Output),
    /// Without one.
    Failed(Failure),
}

/// How a flow goes back to waiting.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferral {
    /// When it is due again.
    pub not_before: Timestamp,
    /// Whether the attempt counts.
    pub next_try: NextTry,
    /// What kept the attempt from its output, if anything went wrong.
    pub last_failure: Option<Failure>,
}

/// Whether a deferred attempt counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTry {
    /// The attempt was used up; the next one is another.
    Another,
    /// The attempt was not used: `attempts` goes back by one.
    Same,
    /// The attempt, the flow's first, did not even begin: `attempts` goes back by one, and `started_at`
    /// to nothing.
    First,
}

/// What is known of the paid call that [`FlowWrites::begin_call`] announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// No call was announced.
    NoCall,
    /// It ended, and how is known: `unconfirmed_calls` goes back by one.
    Confirmed,
    /// It may or may not have been charged.
    Unconfirmed,
}

/// What became of a wish to cancel a flow.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancellation {
    /// It is cancelled now.
    Cancelled(Flow),
    /// It was running or settled, and still is.
    Unchanged(Flow),
    /// There is no such flow for this tenant.
    Unknown,
}

/// Whether every flow of a batch was noted as settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tally {
    /// Some was not.
    Open,
    /// Every one was.
    Complete,
}

/// Who announces the completion of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// The caller does.
    First,
    /// Somebody did.
    Already,
}
