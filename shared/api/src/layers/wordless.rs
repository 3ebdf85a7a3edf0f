//! Errors that a library answers without a word get a problem for a body.

use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use crate::problem::PROBLEM_JSON;
use crate::{ErrorCode, Problem};

/// The answer itself, or the problem in its place; headers such as `Content-Range` and `Allow` stay.
pub(super) fn with_words(answer: Response) -> Response {
    let Some(problem) = problem_of(answer.status(), answer.headers()) else {
        return answer;
    };
    let (head, _) = answer.into_parts();
    let mut told = problem.into_response();
    for (name, value) in &head.headers {
        if ![CONTENT_TYPE, CONTENT_LENGTH].contains(name) {
            told.headers_mut().insert(name, value.clone());
        }
    }
    told
}

fn problem_of(status: StatusCode, headers: &HeaderMap) -> Option<Problem> {
    if headers
        .get(CONTENT_TYPE)
        .is_some_and(|media_type| media_type == PROBLEM_JSON)
    {
        return None;
    }
    match status {
        StatusCode::NOT_FOUND => Some(super::nothing_here()),
        StatusCode::RANGE_NOT_SATISFIABLE => Some(Problem::new(
            ErrorCode::RangeNotSatisfiable,
            "this part is not in what is here; Content-Range says how many bytes there are",
        )),
        StatusCode::PRECONDITION_FAILED => Some(Problem::new(
            ErrorCode::PreconditionFailed,
            "a condition of the request does not hold; leave it out to get what is here now",
        )),
        status if status.is_server_error() => Some(Problem::internal()),
        _ => None,
    }
}
