//! Errors as callers see them: `application/problem+json` (RFC 9457).

mod code;
mod responses;

use std::time::Duration;

use assetmill_core::ports::Unavailable;
use assetmill_core::{Failure, FlowId};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

pub use code::ErrorCode;
pub(crate) use responses::problem_schema as schema;
pub use responses::{OF_BODIES, OF_CALLS, problem_responses};

use crate::Pointer;
use crate::caller::quota::{Quota, seconds};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Details stop here, so that no answer repeats a huge question.
const MAX_DETAIL_CHARS: usize = 1_000;

/// An error as its caller sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    code: ErrorCode,
    detail: String,
    pointer: Option<Pointer>,
    flow_id: Option<FlowId>,
    retryable: Option<bool>,
    retry_after: Option<Duration>,
    quota: Option<Box<Quota>>,
}

/// The body of an error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
struct ProblemBody<'a> {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The name of the HTTP status.
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What went wrong, for programs. Codes are never renamed.
    #[schema(schema_with = code::schema)]
    code: &'static str,
    /// What went wrong and what would be right, for people.
    detail: &'a str,
    /// Which part of the request body is meant, as a JSON pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "/digital_asset_urls/3")]
    pointer: Option<&'a Pointer>,
    /// The flow that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    flow_id: Option<FlowId>,
    /// Whether the same request may succeed at another time.
    #[serde(skip_serializing_if = "Option::is_none")]
    retryable: Option<bool>,
}

impl Problem {
    /// A problem of this kind. `detail` is shown to the caller: what is wrong, what would be right.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: bounded(detail.into()),
            pointer: None,
            flow_id: None,
            retryable: None,
            retry_after: None,
            quota: None,
        }
    }

    /// A mistake of the service. What happened is for the log alone.
    pub fn internal() -> Self {
        Self::new(
            ErrorCode::Internal,
            "the service made a mistake; its log has this request under the id in x-request-id",
        )
    }

    /// A dependency of the service failed. What it said is for the log alone.
    pub fn unavailable() -> Self {
        Self::new(
            ErrorCode::Unavailable,
            "the service can't answer at the moment; try again soon",
        )
    }

    /// Says which part of the body is meant.
    #[must_use]
    pub fn at(mut self, pointer: Pointer) -> Self {
        self.pointer = Some(pointer);
        self
    }

    /// Says which flow it is about.
    #[must_use]
    pub fn of_flow(mut self, id: FlowId) -> Self {
        self.flow_id = Some(id);
        self
    }

    /// Says how long to wait, where more is known of it than of every problem of this kind.
    #[must_use]
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Says which limit it would have gone over.
    #[must_use]
    pub(crate) fn over(mut self, quota: Quota) -> Self {
        self.quota = Some(Box::new(quota));
        self
    }

    /// What kind of problem it is.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What is wrong and what would be right.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// The failure of a flow, for a caller that waits for this flow alone.
impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Self {
        let mut problem = Self::new(ErrorCode::Failure(failure.code), &failure.message);
        problem.retryable = Some(failure.retryable);
        problem
    }
}

/// What the dependency said goes to the log, and not to the caller.
impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        tracing::error!(
            dependency = error.dependency,
            error = &error as &dyn std::error::Error,
            "dependency unavailable"
        );
        Self::unavailable()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let body = ProblemBody {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code: self.code.as_str(),
            detail: &self.detail,
            pointer: self.pointer.as_ref(),
            flow_id: self.flow_id,
            retryable: self.retryable,
        };
        // Texts and numbers always serialise.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(wait) = self.retry_after.or_else(|| self.code.retry_after()) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"assetmill\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(quota) = self.quota {
            response.extensions_mut().insert(*quota);
        }
        response
    }
}

/// Cuts out the middle of a long text: what is wrong stands at its beginning, what would be right
/// at its end.
fn bounded(text: String) -> String {
    let length = text.chars().count();
    if length <= MAX_DETAIL_CHARS {
        return text;
    }
    let side = MAX_DETAIL_CHARS / 2;
    let beginning: String = text.chars().take(side).collect();
    let end: String = text.chars().skip(length - side).collect();
    format!("{beginning}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_keeps_both_ends() {
        let problem = Problem::new(
            ErrorCode::InvalidBody,
            format!("wrong: {}, give a number", "x".repeat(100_000)),
        );
        assert!(problem.detail().len() < 1_100);
        assert!(problem.detail().starts_with("wrong: x"));
        assert!(problem.detail().ends_with("give a number"));
    }

    #[test]
    fn what_a_dependency_said_is_not_shown() {
        let problem = Problem::from(Unavailable::new("flows", "password=hunter2 refused"));
        assert!(!problem.detail().contains("hunter2"));
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "5");
    }
}
