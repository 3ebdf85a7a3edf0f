//! What is left of a body when its request is answered: it is read and dropped, within bounds, so that
//! a client that writes before it reads gets to see the answer instead of a broken connection.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::header::EXPECT;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

/// How much of a body is dropped, and for how long. Whatever was not read by then is the client's
/// loss.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Answers a request, and reads what its route left of its body before the answer leaves.
pub(super) async fn drain_unread(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(head, body)).await;
    }
    // A client that asks first must not be told to go on (RFC 9110, section 10.1.1): reading does.
    let asks_first = head.headers.contains_key(EXPECT);
    let body = Watched::new(body);
    let request = Request::from_parts(head, Body::new(body.clone()));
    let answer = next.run(request).await;
    if !asks_first || body.state().begun {
        drain(body).await;
    }
    answer
}

async fn drain(mut body: Watched) {
    let reading = async {
        let mut dropped = 0;
        while let Some(Ok(frame)) = body.frame().await {
            dropped += frame.data_ref().map_or(0, Bytes::len);
            if dropped > DRAIN_BYTES {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}

/// A body that the route reads, and that is still there when the route is done.
#[derive(Clone)]
struct Watched(Arc<Mutex<Reading>>);

struct Reading {
    body: Body,
    begun: bool,
    ended: bool,
}

impl Watched {
    fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Reading {
            body,
            begun: false,
            ended: false,
        })))
    }

    fn state(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut state = self.state();
        if state.ended {
            return Poll::Ready(None);
        }
        state.begun = true;
        let frame = std::task::ready!(Pin::new(&mut state.body).poll_frame(context));
        // A body is not asked again after its end, or after an error.
        state.ended = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let state = self.state();
        state.ended || state.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.state().body.size_hint()
    }
}
