//! Which problems the routes answer, for the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::RefOr;
use utoipa::openapi::response::Response;

use crate::ErrorCode;
use crate::problem::{OF_BODIES, OF_CALLS, problem_responses};

const OF_LISTS: &[ErrorCode] = &[
    ErrorCode::EmptyList,
    ErrorCode::TooManyFlowIds,
    ErrorCode::AnswerTooLarge,
    ErrorCode::FlowIdInBody,
];

/// Of a question about several flows.
pub(crate) struct ResultsProblems;

impl IntoResponses for ResultsProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[OF_BODIES, OF_CALLS, OF_LISTS])
    }
}

/// Of a question about one flow.
pub(crate) struct FlowProblems;

impl IntoResponses for FlowProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let of_flows = &[ErrorCode::FlowIdInPath, ErrorCode::FlowNotFound];
        documented(&[OF_CALLS, of_flows])
    }
}

/// Of a question about one batch.
pub(crate) struct BatchProblems;

impl IntoResponses for BatchProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let of_batches = &[
            ErrorCode::BatchIdInPath,
            ErrorCode::InvalidQuery,
            ErrorCode::BatchNotFound,
            ErrorCode::AnswerTooLarge,
        ];
        documented(&[OF_CALLS, of_batches])
    }
}

/// Of a question about all batches.
pub(crate) struct BatchesProblems;

impl IntoResponses for BatchesProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[OF_CALLS, &[ErrorCode::InvalidQuery]])
    }
}

/// Of any other question.
pub(crate) struct CallProblems;

impl IntoResponses for CallProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[OF_CALLS])
    }
}

fn documented(codes: &[&[ErrorCode]]) -> BTreeMap<String, RefOr<Response>> {
    problem_responses(codes.iter().copied().flatten().copied())
}
