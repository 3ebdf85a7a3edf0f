//! What the routes work with.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::Catalogue;
use assetmill_core::ports::{ActivityReads, Clock, FlowReads, GateReads, OutputLinks};
use assetmill_core::usecases::Failures;
use axum::extract::FromRef;

use crate::views::Links;
use crate::{Callers, InFlight};

/// What the routes work with.
#[derive(Clone)]
pub struct ReadState {
    /// Rows.
    pub flows: Arc<dyn FlowReads>,
    /// Makes URLs of results.
    pub links: Arc<dyn OutputLinks>,
    /// What can be made.
    pub catalogue: Catalogue,
    /// Who may call.
    pub callers: Callers,
    /// The gates of operations.
    pub gates: Arc<dyn GateReads>,
    /// What happened lately.
    pub activity: Arc<dyn ActivityReads>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The memory of bodies and answers.
    pub in_flight: InFlight,
    /// How long URLs of results live.
    pub link_lifetime: Duration,
    /// How many flows one question may be about.
    pub max_rows: usize,
    /// How many of them are read at once.
    pub rows_at_once: usize,
}

impl ReadState {
    pub(crate) fn links(&self) -> Links {
        Links {
            port: self.links.clone(),
            lifetime: self.link_lifetime,
        }
    }

    pub(crate) fn failures(&self) -> Failures {
        Failures {
            flows: self.flows.clone(),
            catalogue: self.catalogue.clone(),
        }
    }
}

impl FromRef<Arc<ReadState>> for Callers {
    fn from_ref(state: &Arc<ReadState>) -> Self {
        state.callers.clone()
    }
}

impl FromRef<Arc<ReadState>> for InFlight {
    fn from_ref(state: &Arc<ReadState>) -> Self {
        state.in_flight.clone()
    }
}
