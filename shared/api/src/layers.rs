//! What every request passes through, whatever its route.

mod unread;
mod wordless;

use std::any::Any;
use std::future::ready;

use assetmill_core::usecases::Meter;
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::field::Empty;
use tracing::{Level, Span};
use uuid::Uuid;

use crate::{ErrorCode, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID_BYTES: usize = 128;

/// Puts the layers around a router that has all its routes, and answers unknown paths and methods.
pub fn around(router: Router) -> Router {
    around_with(router, |_| Ok(()))
}

/// As [`around`], with a gate: a request whose head it refuses gets its problem and reaches no route.
pub fn around_with<G>(router: Router, gate: G) -> Router
where
    G: Fn(&Parts) -> Result<(), Problem> + Clone + Send + Sync + 'static,
{
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(map_response(|answer| ready(wordless::with_words(answer))))
        .layer(from_fn_with_state(gate, through::<G>))
        .layer(from_fn(unread::drain_unread))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_request(())
                .on_response(DefaultOnResponse::new().level(Level::INFO))
                // Whoever made the failure has said what it was, and many are a caller's or a vendor's.
                .on_failure(()),
        )
        .layer(from_fn(with_request_id))
}

async fn through<G>(
    axum::extract::State(gate): axum::extract::State<G>,
    request: Request,
    next: Next,
) -> Response
where
    G: Fn(&Parts) -> Result<(), Problem> + Clone + Send + Sync + 'static,
{
    let (head, body) = request.into_parts();
    match gate(&head) {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(problem) => problem.into_response(),
    }
}

/// Adds what a request counted before its answer leaves: a function may be frozen then for long, or for ever. What takes
/// longer than a second is not waited for.
pub fn metered(router: Router, meter: Meter) -> Router {
    router.layer(from_fn_with_state(meter, flushed))
}

async fn flushed(
    axum::extract::State(meter): axum::extract::State<Meter>,
    request: Request,
    next: Next,
) -> Response {
    let answer = next.run(request).await;
    meter.flush_soon().await;
    answer
}

/// Puts a bound on the answers of a router, and makes each whole before it leaves: one that would be
/// larger than `max_bytes`, or that breaks off, is a problem instead, which says so to the caller
/// before a gateway fails without a word.
pub fn bounded(router: Router, max_bytes: u64) -> Router {
    router.layer(map_response(move |answer| within(answer, max_bytes)))
}

async fn within(answer: Response, max_bytes: u64) -> Response {
    let size = answer.body().size_hint();
    if size.lower() > max_bytes {
        return too_large(max_bytes);
    }
    if size.upper().is_some_and(|upper| upper <= max_bytes) {
        return answer;
    }
    let (head, body) = answer.into_parts();
    let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    match Limited::new(body, limit).collect().await {
        Ok(whole) => Response::from_parts(head, Body::from(whole.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => too_large(max_bytes),
        Err(error) => {
            tracing::error!(error = &*error, "answer broke off");
            Problem::unavailable().into_response()
        }
    }
}

fn too_large(max_bytes: u64) -> Response {
    let detail = format!(
        "the answer would have more than the {max_bytes} bytes that can be returned here; \
         ask for fewer at a time"
    );
    Problem::new(ErrorCode::AnswerTooLarge, detail).into_response()
}

async fn unknown_path() -> Problem {
    nothing_here()
}

/// The problem of a path that leads nowhere.
pub(crate) fn nothing_here() -> Problem {
    Problem::new(
        ErrorCode::UnknownPath,
        "nothing is at this path; /docs shows what there is",
    )
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        ErrorCode::MethodNotAllowed,
        "this path does not take this method; the header Allow names those that it takes",
    )
}

// The signature is tower-http's.
#[allow(clippy::needless_pass_by_value)]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = message, "handler panicked");
    Problem::internal().into_response()
}

/// The route and not the path, which callers fill with ids; and never the query.
fn span(request: &Request) -> Span {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str);
    let request_id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok());
    tracing::info_span!(
        "request",
        method = %request.method(),
        route,
        request_id,
        // Told by whoever identifies the caller.
        tenant = Empty,
        key = Empty,
    )
}

/// Keeps the caller's request id, if it is fit for a log, or makes one; and returns it.
async fn with_request_id(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID)
        .filter(|id| is_fit_for_a_log(id))
        .cloned()
        .or_else(|| HeaderValue::try_from(Uuid::now_v7().to_string()).ok());
    request.headers_mut().remove(REQUEST_ID);
    if let Some(id) = &id {
        request.headers_mut().insert(REQUEST_ID, id.clone());
    }
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_fit_for_a_log(id: &HeaderValue) -> bool {
    (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_a_problem() {
        let router = Router::new()
            .route("/small", get(|| async { "x".repeat(10) }))
            .route("/large", get(|| async { "x".repeat(11) }));
        let router = bounded(router, 10);
        for (path, status) in [("/small", 200), ("/large", 422)] {
            let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert_eq!(text.contains("answer_too_large"), status == 422, "{text}");
        }
    }
}
