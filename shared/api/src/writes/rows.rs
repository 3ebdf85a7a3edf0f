//! Rows of flows that are at hand.

use std::vec;

use assetmill_core::ports::Unavailable;
use assetmill_core::{Flow, Share};
use async_trait::async_trait;

use crate::rows::Rows;
use crate::views::{Counted, FlowRow, Links, ResultsEnding};

/// How many rows are made at once.
const AT_ONCE: usize = 100;

/// The flows of a batch that was just run. They hold their memory until the last of them is sent; what was that
/// of their rows on the way to the store is now that of their text.
pub(crate) struct AtHand {
    pub(crate) flows: vec::IntoIter<Flow>,
    pub(crate) links: Links,
    pub(crate) counted: Counted,
    pub(crate) _memory: Share,
}

#[async_trait]
impl Rows for AtHand {
    type Row = FlowRow;
    type Ending = ResultsEnding;

    fn at_once(&self) -> Option<usize> {
        None
    }

    async fn next(&mut self) -> Result<Vec<FlowRow>, Unavailable> {
        let mut rows = Vec::new();
        for flow in self.flows.by_ref().take(AT_ONCE) {
            rows.push(self.counted.row(flow.id, Some(&flow), &self.links).await?);
        }
        Ok(rows)
    }

    fn ending(&self) -> ResultsEnding {
        self.counted.ending()
    }
}
