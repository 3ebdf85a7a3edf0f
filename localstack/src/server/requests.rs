use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use assetmill_api::UnderWay;
use assetmill_core::Shares;
use axum::Router;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use http::Response;
use http_body::{Frame, SizeHint};
use tower::Service;

use super::connections::{InUse, Place};

/// The requests of one connection: each is in use until its answer was sent, and counts so long on its tenant.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) router: Router,
    pub(super) of: Shares,
    pub(super) on: Arc<Place>,
    pub(super) answered: Answered,
}

/// A request whose answer is not sent yet.
struct Request {
    _counts: UnderWay,
    _in_use: InUse,
}

/// The requests whose answers were handed over, and may not be written yet: a large answer is made long before a client that
/// reads slowly has it. Clones are those of the same connection.
#[derive(Clone, Default)]
pub(super) struct Answered(Arc<Mutex<Vec<Request>>>);

impl Answered {
    /// Everything that was handed over was written.
    pub(super) fn are_sent(&self) {
        self.requests().clear();
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of an answer. When it was handed over, or its client has gone, its request is answered.
pub(super) struct Answer {
    body: Body,
    request: Option<Request>,
    answered: Answered,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.answered.requests().extend(self.request.take());
    }
}

impl<B> Service<http::Request<B>> for Requests
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Answer>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // A router always is.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let under_way = UnderWay::of(self.of.clone());
        request.extensions_mut().insert(under_way.clone());
        let begun = Request {
            _counts: under_way,
            _in_use: self.on.in_use(),
        };
        let (answer, answered) = (self.router.call(request), self.answered.clone());
        async move {
            let answer = answer.await?;
            Ok(answer.map(|body| Answer {
                body,
                request: Some(begun),
                answered,
            }))
        }
        .boxed()
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
