//! What the routes work with.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::Catalogue;
use assetmill_core::ports::{FlowReads, OutputLinks};
use assetmill_http::Callers;
use assetmill_http::views::Links;
use axum::extract::FromRef;

/// What the routes work with.
#[derive(Clone)]
pub struct ResultsState {
    /// Rows.
    pub flows: Arc<dyn FlowReads>,
    /// Makes URLs of results.
    pub links: Arc<dyn OutputLinks>,
    /// What can be made.
    pub catalogue: Catalogue,
    /// Who may call.
    pub callers: Callers,
    /// How long URLs of results live.
    pub link_lifetime: Duration,
    /// How many flows one question may be about.
    pub max_rows: usize,
}

impl ResultsState {
    pub(crate) fn links(&self) -> Links<'_> {
        Links {
            port: &*self.links,
            lifetime: self.link_lifetime,
        }
    }
}

impl FromRef<ResultsState> for Callers {
    fn from_ref(state: &ResultsState) -> Self {
        state.callers.clone()
    }
}
