//! What the routes work with.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::Catalogue;
use assetmill_core::ports::{OutputLinks, OutputWrites};
use assetmill_core::usecases::{Answer, Cancel, Retry, Submit};
use assetmill_http::views::Links;
use assetmill_http::{Callers, InFlight};
use axum::extract::FromRef;

use crate::readiness::Readiness;

/// What the routes work with.
#[derive(Clone)]
pub struct ApiState {
    /// Starts batches.
    pub submit: Submit,
    /// Runs batches while their caller waits.
    pub answer: Answer,
    /// Cancels batches.
    pub cancel: Cancel,
    /// Runs failures again.
    pub retry: Retry,
    /// What can be made.
    pub catalogue: Catalogue,
    /// Where the bytes of a single result come from.
    pub outputs: Arc<dyn OutputWrites>,
    /// Makes URLs of results.
    pub links: Arc<dyn OutputLinks>,
    /// Whether the dependencies answer.
    pub readiness: Readiness,
    /// Who may call.
    pub callers: Callers,
    /// The memory of bodies and answers.
    pub in_flight: InFlight,
    /// How long URLs of results live.
    pub link_lifetime: Duration,
    /// A single result with more bytes than this is answered by its URL. `None` where answers may
    /// have any size.
    pub max_inline_bytes: Option<u64>,
    /// How many assets one request may wait for. More may be started in the background.
    pub max_rows: usize,
}

impl ApiState {
    pub(crate) fn links(&self) -> Links {
        Links {
            port: self.links.clone(),
            lifetime: self.link_lifetime,
        }
    }
}

impl FromRef<ApiState> for Callers {
    fn from_ref(state: &ApiState) -> Self {
        state.callers.clone()
    }
}

impl FromRef<ApiState> for InFlight {
    fn from_ref(state: &ApiState) -> Self {
        state.in_flight.clone()
    }
}
