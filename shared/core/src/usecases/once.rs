//! Starting something once, however often it is asked for.

use std::sync::Arc;

use tokio::time::Instant;

use super::process::Products;
use super::run_synchronously::{Answered, RunSynchronously};
use super::submit::{Accepted, Submit};
use super::transform_request::TransformRequest;
use crate::ports::{IdempotencyKeys, Unavailable};
use crate::{Batch, BatchId, FlowId, IdempotencyKey, KeyClaim, Sha256Digest, TenantId};

/// Starts what callers may ask for again under a key of theirs.
///
/// The timeline, each step after the one before: rows of the flows, the claim of the key, row of the batch (from here
/// on it is accepted), messages, mark of the dispatch. The claim has all that the later steps need, and each of them
/// may be taken twice, by two at once: so whoever finds the claim goes on where another stopped, or still is. Who
/// comes second to the claim leaves flows behind that were never accepted, as a crash before it does.
#[derive(Clone)]
pub struct Once {
    /// How batches are accepted.
    pub submit: Submit,
    /// What was begun already.
    pub keys: Arc<dyn IdempotencyKeys>,
}

/// A request that its caller may send again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Who asks.
    pub tenant: TenantId,
    /// What it calls the request.
    pub key: IdempotencyKey,
    /// Of its route and of what it asks for.
    pub fingerprint: Sha256Digest,
}

/// What stands under a key: begun by this request, or by one before it.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// By this one.
    First(Accepted),
    /// By one before it, which may have ended anywhere, or be going on.
    Earlier(Batch),
}

/// A batch that is started.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// The batch as it was accepted.
    pub batch: Batch,
    /// Its flows, in the order of the request.
    pub flow_ids: Vec<FlowId>,
}

/// Why nothing can be begun under a key.
#[derive(Debug, thiserror::Error)]
pub enum OnceError {
    /// The key names another request of the tenant.
    #[error("the key was given to another request")]
    OfAnother,
    /// A dependency failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl KeyedRequest {
    /// What is asked for about one batch by a request that began this one first.
    pub(super) fn of_part(&self, first: &Batch, about: BatchId) -> Self {
        let (first, about) = (first.id.to_string(), about.to_string());
        Self {
            key: Sha256Digest::of_parts([self.key.as_str(), &first, &about]).into(),
            ..self.clone()
        }
    }
}

impl From<Accepted> for Started {
    fn from(Accepted { batch, flows }: Accepted) -> Self {
        let flow_ids = flows.iter().map(|flow| flow.id).collect();
        Self { batch, flow_ids }
    }
}

impl Begun {
    /// The batch as it was to be accepted.
    pub fn batch(&self) -> &Batch {
        match self {
            Self::First(accepted) => &accepted.batch,
            Self::Earlier(batch) => batch,
        }
    }

    /// Whether a request before this one began it.
    pub fn is_earlier(&self) -> bool {
        matches!(self, Self::Earlier(_))
    }

    fn flow_ids(&self) -> Vec<FlowId> {
        let batch = self.batch();
        (0..batch.size)
            .map(|index| FlowId::of_batch(batch.id, index))
            .collect()
    }
}

impl Once {
    /// What an equal request began under the same key.
    pub async fn find(&self, request: &KeyedRequest) -> Result<Option<Begun>, OnceError> {
        let now = self.submit.clock.now();
        let found = self.keys.find(&request.tenant, &request.key, now).await?;
        found.map(|claim| earlier(request, claim)).transpose()
    }

    /// Begins an order of the request's tenant, unless an equal request comes before it. Nothing is accepted yet.
    pub async fn begin(
        &self,
        request: &KeyedRequest,
        order: TransformRequest,
        retry_of: Option<BatchId>,
    ) -> Result<Begun, OnceError> {
        let mut accepted = self.submit.rows(order, retry_of, FlowId::of_batch);
        self.submit.address(&mut accepted).await?;
        self.submit.flows.put_flows(&accepted.flows).await?;
        let claim = KeyClaim {
            fingerprint: request.fingerprint.clone(),
            batch: accepted.batch.clone(),
        };
        let stands = self.keys.claim(&request.key, &claim).await?;
        if stands.batch.id == accepted.batch.id {
            return Ok(Begun::First(accepted));
        }
        earlier(request, stands)
    }

    /// Makes sure that the batch is accepted and its messages are sent.
    pub async fn start(&self, begun: Begun) -> Result<Started, Unavailable> {
        let started = Started {
            batch: begun.batch().clone(),
            flow_ids: begun.flow_ids(),
        };
        if !self.accept(&begun).await? {
            let Accepted { batch, flows } = self.rows_of(begun).await?;
            self.submit.dispatch(&batch, &flows).await?;
            tracing::debug!(batch_id = %batch.id, tenant = %batch.tenant, "batch started");
        }
        Ok(started)
    }

    /// Makes sure that the batch is accepted, and runs it for as long as the caller can wait, or waits for who runs it.
    /// The flows as they are then; for those not settled messages are sent.
    pub async fn run(
        &self,
        begun: Begun,
        answer: &RunSynchronously,
        products: Products,
    ) -> Result<Answered, Unavailable> {
        let deadline = Instant::now() + answer.answer_within;
        let dispatched = self.accept(&begun).await?;
        let accepted = self.rows_of(begun).await?;
        answer
            .run_with_others(accepted, dispatched, products, deadline)
            .await
    }

    /// Whether the messages of the batch are sent, which is accepted from here on.
    async fn accept(&self, begun: &Begun) -> Result<bool, Unavailable> {
        let batch = begun.batch();
        let flows = &self.submit.flows;
        if begun.is_earlier()
            && let Some(row) = flows.batch(&batch.tenant, batch.id).await?
        {
            return Ok(row.dispatched_at.is_some());
        }
        flows.put_batch(batch).await?;
        Ok(false)
    }

    async fn rows_of(&self, begun: Begun) -> Result<Accepted, Unavailable> {
        let flow_ids = begun.flow_ids();
        let batch = match begun {
            Begun::First(accepted) => return Ok(accepted),
            Begun::Earlier(batch) => batch,
        };
        let rows = self.submit.flows.flows(&batch.tenant, &flow_ids).await?;
        // Flows are written before the claim, and kept for as long.
        let flows: Option<Vec<_>> = rows.into_iter().collect();
        let flows = flows.ok_or_else(|| Unavailable::new("flows", "a batch lacks flows"))?;
        Ok(Accepted { batch, flows })
    }
}

fn earlier(request: &KeyedRequest, claim: KeyClaim) -> Result<Begun, OnceError> {
    if claim.fingerprint == request.fingerprint {
        Ok(Begun::Earlier(claim.batch))
    } else {
        Err(OnceError::OfAnother)
    }
}
