//! What the routes work with.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::Catalogue;
use assetmill_core::ports::{FlowReads, OutputLinks};
use assetmill_http::views::Links;
use assetmill_http::{Callers, InFlight};
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
    /// The memory of bodies and answers.
    pub in_flight: InFlight,
    /// How long URLs of results live.
    pub link_lifetime: Duration,
    /// How many flows one question may be about.
    pub max_rows: usize,
    /// How many of them are read at once.
    pub rows_at_once: usize,
}

impl ResultsState {
    pub(crate) fn links(&self) -> Links {
        Links {
            port: self.links.clone(),
            lifetime: self.link_lifetime,
        }
    }
}

impl FromRef<ResultsState> for Callers {
    fn from_ref(state: &ResultsState) -> Self {
        state.callers.clone()
    }
}

impl FromRef<ResultsState> for InFlight {
    fn from_ref(state: &ResultsState) -> Self {
        state.in_flight.clone()
    }
}
