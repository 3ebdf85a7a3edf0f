use assetmill_core::ports::{FlowPage, FlowReads, Unavailable};
use assetmill_core::{Batch, BatchId, Counts, Flow, FlowId, FlowState, TenantId};
use async_trait::async_trait;

use crate::table::item::{self, Item};
use crate::table::listing::{Range, TransformRequest, attribute};
use crate::table::{Table, TableFlows, keys, names, settled};

#[async_trait]
impl FlowReads for TableFlows {
    async fn flows(
        &self,
        tenant: &TenantId,
        ids: &[FlowId],
    ) -> Result<Vec<Option<Flow>>, Unavailable> {
        let rows = self.0.get_many(ids.iter().copied().map(keys::flow)).await?;
        ids.iter()
            .map(|id| {
                let row = rows.get(&keys::flow(*id));
                let own = row.filter(|row| item::is_of(row, tenant));
                own.cloned().map(item::read).transpose()
            })
            .collect()
    }

    async fn batch(&self, tenant: &TenantId, id: BatchId) -> Result<Option<Batch>, Unavailable> {
        let row = self.0.get(keys::batch(id)).await?;
        let own = row.filter(|row| item::is_of(row, tenant));
        own.map(batch_of).transpose()
    }

    async fn batches(
        &self,
        tenant: &TenantId,
        before: Option<BatchId>,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        let range = Range::last(before, limit);
        let entries = self.0.list(keys::batches_of(tenant), &range).await?;
        self.0.read_batches(&entries).await
    }

    async fn batch_flows(
        &self,
        tenant: &TenantId,
        id: BatchId,
        state: Option<FlowState>,
        after: Option<u32>,
        limit: usize,
    ) -> Result<FlowPage, Unavailable> {
        // One more than asked for tells whether there is a next page.
        let more = limit + 1;
        let range = Range {
            index: names::LISTED,
            condition: after.map(|index| ("listed_as > :place", keys::flow_place(index))),
            state: state.map(FlowState::as_str),
            order: TransformRequest::First,
            // Flows in one state may all stand in the same list; flows in a row never do.
            limit: state.map_or_else(|| keys::share_of_list(more), |_| more),
        };
        let mut entries = self.0.list_all(keys::flow_lists(id), &range).await?;
        entries.sort_by(|a, b| place(a).cmp(place(b)));
        let next = (entries.len() > limit).then(|| {
            entries.truncate(limit);
            entries.last().and_then(|last| place(last).parse().ok())
        });
        let mut rows = self.0.get_entries(&entries).await?;
        rows.retain(|row| item::is_of(row, tenant));
        if rows.is_empty() {
            // Of another tenant, or expired, as all flows of a batch do together.
            return Ok(FlowPage::default());
        }
        let flows = rows.into_iter().map(item::read);
        let mut flows = flows.collect::<Result<Vec<Flow>, _>>()?;
        // The rows know better than the list.
        flows.retain(|flow| state.is_none_or(|state| flow.state() == state));
        Ok(FlowPage {
            flows,
            next: next.flatten(),
        })
    }

    /// The list does not say whose a batch is: its row does, which is read meanwhile.
    async fn counts(&self, tenant: &TenantId, id: BatchId) -> Result<Counts, Unavailable> {
        let range = Range {
            index: names::LISTED,
            condition: None,
            state: None,
            order: TransformRequest::First,
            limit: usize::MAX,
        };
        let (batch, entries) = tokio::try_join!(
            self.0.get(keys::batch(id)),
            self.0.list_all(keys::flow_lists(id), &range),
        )?;
        if !batch.is_some_and(|batch| item::is_of(&batch, tenant)) {
            return Ok(Counts::default());
        }
        entries
            .iter()
            .map(|entry| {
                let state = attribute(entry, names::STATE).parse();
                state.map_err(|error| Unavailable::new("flows", error))
            })
            .collect::<Result<Vec<FlowState>, _>>()
            .map(Counts::of)
    }

    /// A page of the index is 1 MB, some ten thousand batches: the largest first, so that the first page tells the
    /// most.
    async fn open_flows(&self, tenant: &TenantId, enough: u64) -> Result<u64, Unavailable> {
        let range = Range {
            index: names::UNSENT,
            condition: None,
            state: None,
            order: TransformRequest::Last,
            limit: 1 + usize::try_from(enough)
                .unwrap_or(usize::MAX)
                .min(MAX_OPEN_BATCHES),
        };
        let entries = self.0.list(keys::open_list(tenant), &range).await?;
        let size = |entry: &Item| attribute(entry, names::UNSENT_SINCE).parse().unwrap_or(0);
        Ok(entries.iter().map(size).sum())
    }
}

/// So many open batches are looked through: of a tenant with more, those with the fewest flows are not counted.
const MAX_OPEN_BATCHES: usize = 50_000;

fn batch_of(row: Item) -> Result<Batch, Unavailable> {
    let counted = settled::counted(&row);
    Ok(Batch {
        counted,
        ..item::read(row)?
    })
}

fn place(entry: &Item) -> &str {
    attribute(entry, names::LISTED_AS)
}

impl Table {
    /// The flows that entries of a list stand for, in the same order, without those that expired.
    pub(super) async fn read_flows(&self, entries: &[Item]) -> Result<Vec<Flow>, Unavailable> {
        let rows = self.get_entries(entries).await?;
        rows.into_iter().map(item::read).collect()
    }

    /// The same of batches.
    pub(super) async fn read_batches(&self, entries: &[Item]) -> Result<Vec<Batch>, Unavailable> {
        let rows = self.get_entries(entries).await?;
        rows.into_iter().map(batch_of).collect()
    }

    async fn get_entries(&self, entries: &[Item]) -> Result<Vec<Item>, Unavailable> {
        let pk = |entry: &Item| attribute(entry, names::PK).to_owned();
        let mut rows = self.get_many(entries.iter().map(pk)).await?;
        let found = entries.iter().filter_map(|entry| rows.remove(&pk(entry)));
        Ok(found.collect())
    }
}
