//! Requests that their callers may send again under a key.

use assetmill_core::usecases::{
    Affected, Answered, Begun, KeyedRequest, OnceError, Products, Started, TransformRequest,
};
use assetmill_core::{Batch, BatchId, IdempotencyKey, Sha256Digest, TenantId};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;

use crate::idempotency::IDEMPOTENT_REPLAYED;
use crate::writes::WriteState;
use crate::{ErrorCode, Problem};

/// A request with a key.
pub(crate) struct Keyed<'state> {
    state: &'state WriteState,
    request: KeyedRequest,
}

/// Whether an answer is that of an earlier request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replayed(bool);

impl<'state> Keyed<'state> {
    /// The request of a tenant; `fingerprint` is of its route and of what it asks for.
    pub(crate) fn new(
        state: &'state WriteState,
        tenant: &TenantId,
        key: IdempotencyKey,
        fingerprint: Sha256Digest,
    ) -> Self {
        let request = KeyedRequest {
            tenant: tenant.clone(),
            key,
            fingerprint,
        };
        Self { state, request }
    }

    /// Runs the order while its caller waits, or waits for who runs it.
    pub(crate) async fn answer(
        self,
        order: Result<TransformRequest, Problem>,
        products: Products,
    ) -> Result<(Answered, Replayed), Problem> {
        let begun = match self.find().await? {
            Some(begun) => begun,
            None => self.begin(order?, None).await?,
        };
        let replayed = Replayed::of(&begun);
        let answer = &self.state.answer;
        let answered = self.state.once.run(begun, answer, products).await?;
        Ok((answered, replayed))
    }

    /// What an equal request began. It is asked for before anything is refused: what can't be ordered now was perhaps
    /// begun before.
    pub(crate) async fn find(&self) -> Result<Option<Begun>, Problem> {
        Ok(self.state.once.find(&self.request).await?)
    }

    /// Begins the order, unless an equal request comes before it.
    pub(crate) async fn begin(
        &self,
        order: TransformRequest,
        retry_of: Option<BatchId>,
    ) -> Result<Begun, Problem> {
        let begun = self.state.once.begin(&self.request, order, retry_of);
        Ok(begun.await?)
    }

    /// Makes sure that the failures are run again, in a batch for each that has some.
    pub(crate) async fn retried(
        self,
        earlier: Option<Begun>,
        affected: &Affected,
    ) -> Result<Vec<Batch>, Problem> {
        let Self { state, request } = self;
        let started = (state.retry).everywhere_once(&state.once, &request, earlier, affected);
        Ok(started.await?)
    }

    /// Makes sure that it is started.
    pub(crate) async fn started(&self, begun: Begun) -> Result<(Started, Replayed), Problem> {
        let replayed = Replayed::of(&begun);
        Ok((self.state.once.start(begun).await?, replayed))
    }
}

impl Replayed {
    /// Of a request without a key.
    pub(crate) const NEVER: Self = Self(false);

    /// Of what stands under its key.
    pub(crate) fn of(begun: &Begun) -> Self {
        Self(begun.is_earlier())
    }

    /// The answer, which says so.
    pub(crate) fn told(self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        if self.0 {
            let told = HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, told);
        }
        response
    }
}

impl From<OnceError> for Problem {
    fn from(error: OnceError) -> Self {
        match error {
            OnceError::OfAnother => Self::new(
                ErrorCode::IdempotencyKeyReused,
                "this Idempotency-Key was given to another request in the last 24 hours; \
                 send what differs under a new one",
            ),
            OnceError::Unavailable(error) => error.into(),
        }
    }
}
