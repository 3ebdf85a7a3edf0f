use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use assetmill_api::UnderWay;
use assetmill_core::Shares;
use axum::Router;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use tower::Service;

use super::connections::{InUse, Place};

/// The requests of one connection: each is in use until its answer was sent, and counts so long on its tenant.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) router: Router,
    pub(super) of: Shares,
    pub(super) on: Arc<Place>,
}

/// The body of an answer, and what is given back when it was sent, or its client has gone.
pub(super) struct Sent {
    body: Body,
    _request: UnderWay,
    _in_use: InUse,
}

impl<B> Service<Request<B>> for Requests
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Sent>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // A router always is.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let under_way = UnderWay::of(self.of.clone());
        request.extensions_mut().insert(under_way.clone());
        let in_use = self.on.in_use();
        let answer = self.router.call(request);
        async move {
            let answer = answer.await?;
            Ok(answer.map(|body| Sent {
                body,
                _request: under_way,
                _in_use: in_use,
            }))
        }
        .boxed()
    }
}

impl HttpBody for Sent {
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
