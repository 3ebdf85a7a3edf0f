//! What the routes work with.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{Gates, OutputLinks, OutputWrites, UploadLinks};
use assetmill_core::usecases::{Cancel, ManageWebhooks, Once, Retry, RunSynchronously, Submit};
use assetmill_core::{Catalogue, TenantId};
use axum::extract::FromRef;

use crate::caller::Room;
use crate::views::Links;
use crate::writes::readiness::Readiness;
use crate::{Callers, InFlight, Operators, Problem};

/// What the routes work with.
#[derive(Clone)]
pub struct WriteState {
    /// Starts batches.
    pub submit: Submit,
    /// Starts once what has a key.
    pub once: Once,
    /// Runs batches while their caller waits.
    pub answer: RunSynchronously,
    /// Cancels batches.
    pub cancel: Cancel,
    /// Runs failures again.
    pub retry: Retry,
    /// Endpoints, and what they are told.
    pub webhooks: ManageWebhooks,
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
    /// Who may stop operations.
    pub operators: Operators,
    /// The gates of operations.
    pub gates: Arc<dyn Gates>,
    /// The memory of bodies and answers.
    pub in_flight: InFlight,
    /// How long URLs of results live.
    pub link_lifetime: Duration,
    /// A single result with more bytes than this is answered by its URL. `None` where answers may
    /// have any size.
    pub max_inline_bytes: Option<u64>,
    /// How many assets one request may wait for. More may be started in the background.
    pub max_rows: usize,
    /// What may be uploaded.
    pub uploads: Uploads,
    /// How what is announced is sent.
    pub upload_links: Arc<dyn UploadLinks>,
}

/// What may be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploads {
    /// The most bytes of a body; a tenant may have less.
    pub max_bytes: usize,
    /// The most bytes of an asset that is announced, and sent by a request of its own; a tenant may have less.
    pub max_announced: u64,
    /// How long it can be used, at the least.
    pub kept_for: Duration,
    /// For how long after it was stored it need not be sent again.
    pub fresh_for: Duration,
}

impl Uploads {
    /// How long uploads can be used at the least, where everything is kept for so long: a day, so that a flow which is
    /// accepted at the end of it can still wait for another.
    pub fn kept_for(retention: Option<Duration>) -> Duration {
        const A_DAY: Duration = Duration::from_hours(24);
        retention.map_or(A_DAY, |retention| A_DAY.min(retention / 2))
    }

    /// How long uploads need not be sent again, where everything is kept for so long: outputs are kept for twice that.
    pub fn fresh_for(retention: Option<Duration>) -> Duration {
        const A_MONTH: Duration = Duration::from_hours(24 * 30);
        retention.unwrap_or(A_MONTH)
    }
}

impl WriteState {
    /// Room for the flows of a batch that is to run in the background, held while it is accepted.
    ///
    /// # Errors
    /// The problem `too_many_open_flows`.
    pub(crate) async fn room(&self, tenant: &TenantId, flows: usize) -> Result<Room, Problem> {
        let rows = &*self.submit.flows;
        self.callers.room(rows, tenant, flows).await
    }

    pub(crate) fn links(&self) -> Links {
        Links {
            port: self.links.clone(),
            lifetime: self.link_lifetime,
        }
    }
}

impl FromRef<Arc<WriteState>> for Callers {
    fn from_ref(state: &Arc<WriteState>) -> Self {
        state.callers.clone()
    }
}

impl FromRef<Arc<WriteState>> for InFlight {
    fn from_ref(state: &Arc<WriteState>) -> Self {
        state.in_flight.clone()
    }
}
