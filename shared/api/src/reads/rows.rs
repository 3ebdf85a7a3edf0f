//! Rows that are read while the answer is sent.

use std::sync::Arc;
use std::vec;

use assetmill_core::ports::{FlowReads, Unavailable};
use assetmill_core::{BatchId, FlowFilter, FlowId, TenantId};
use async_trait::async_trait;

use crate::cursor::Cursor;
use crate::reads::pages::PageEnding;
use crate::rows::Rows;
use crate::views::{Counted, FlowRow, FlowView, Links, ResultsEnding};

/// The flows that a caller asked for.
pub(crate) struct AskedFor {
    pub(crate) flows: Arc<dyn FlowReads>,
    pub(crate) links: Links,
    pub(crate) tenant: TenantId,
    pub(crate) ids: vec::IntoIter<FlowId>,
    pub(crate) at_once: usize,
    pub(crate) counted: Counted,
}

#[async_trait]
impl Rows for AskedFor {
    type Row = FlowRow;
    type Ending = ResultsEnding;

    fn at_once(&self) -> Option<usize> {
        Some(self.ids.len().min(self.at_once))
    }

    async fn next(&mut self) -> Result<Vec<FlowRow>, Unavailable> {
        let ids: Vec<_> = self.ids.by_ref().take(self.at_once).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let flows = self.flows.flows(&self.tenant, &ids).await?;
        let mut rows = Vec::with_capacity(ids.len());
        for (id, flow) in ids.into_iter().zip(flows) {
            rows.push(self.counted.row(id, flow.as_ref(), &self.links).await?);
        }
        Ok(rows)
    }

    fn ending(&self) -> ResultsEnding {
        self.counted.ending()
    }
}

/// A page of the flows of a batch, which is the caller's.
pub(crate) struct Page {
    pub(crate) flows: Arc<dyn FlowReads>,
    pub(crate) links: Links,
    pub(crate) tenant: TenantId,
    pub(crate) batch: BatchId,
    pub(crate) filter: FlowFilter,
    /// How many flows the page has still room for.
    pub(crate) left: usize,
    /// Where it goes on; `None` where it begins, and where the list has ended.
    pub(crate) after: Option<u32>,
    pub(crate) ended: bool,
    pub(crate) at_once: usize,
}

#[async_trait]
impl Rows for Page {
    type Row = FlowView;
    type Ending = PageEnding;

    fn at_once(&self) -> Option<usize> {
        Some(self.left.min(self.at_once))
    }

    async fn next(&mut self) -> Result<Vec<FlowView>, Unavailable> {
        let mut rows = Vec::new();
        let state = self.filter.only_state();
        // There may be nothing that is meant among the next flows, and some later.
        while rows.is_empty() && self.left > 0 && !self.ended {
            let limit = if self.filter == FlowFilter::of_state(state) {
                self.left.min(self.at_once)
            } else {
                // Few of them may be meant, and one that is looked for is not to be read for one by one.
                self.at_once
            };
            let page = self
                .flows
                .batch_flows(&self.tenant, self.batch, state, self.after, limit)
                .await?;
            self.after = page.next;
            self.ended = page.next.is_none();
            for flow in page.flows.iter().filter(|flow| self.filter.matches(flow)) {
                if self.left == 0 {
                    // It begins the next page.
                    self.after = flow.index.checked_sub(1);
                    self.ended = false;
                    break;
                }
                self.left -= 1;
                rows.push(FlowView::of(flow, &self.links).await?);
            }
        }
        Ok(rows)
    }

    fn ending(&self) -> PageEnding {
        PageEnding {
            next_cursor: self.after.map(Cursor),
        }
    }
}
