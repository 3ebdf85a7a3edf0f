//! Which problems the routes answer, for the OpenAPI document.

use std::collections::BTreeMap;

use assetmill_core::FailureCode;
use utoipa::IntoResponses;
use utoipa::openapi::RefOr;
use utoipa::openapi::response::Response;

use crate::ErrorCode;
use crate::problem::{OF_BODIES, OF_CALLS, problem_responses};

const OF_ORDERS: &[ErrorCode] = &[
    ErrorCode::InvalidUrl,
    ErrorCode::Failure(FailureCode::UnsupportedScheme),
    ErrorCode::Failure(FailureCode::CredentialsInUrl),
    ErrorCode::Failure(FailureCode::UrlTooLong),
    ErrorCode::UnknownOperation,
    ErrorCode::OperationNotOffered,
    ErrorCode::InvalidParams,
];
const OF_LISTS: &[ErrorCode] = &[
    ErrorCode::EmptyList,
    ErrorCode::TooManyUrls,
    ErrorCode::AnswerTooLarge,
];
const OF_STARTS: &[ErrorCode] = &[ErrorCode::TooManyOpenFlows];
/// Of what starts or stops something.
const OF_WRITERS: &[ErrorCode] = &[ErrorCode::ReadOnlyKey];
const OF_WAITING: &[ErrorCode] = &[ErrorCode::FlowCancelled, ErrorCode::StillProcessing];
const OF_BATCHES: &[ErrorCode] = &[
    ErrorCode::BatchIdInPath,
    ErrorCode::InvalidQuery,
    ErrorCode::BatchNotFound,
];
/// Of what may be sent again under a key.
const OF_KEYS: &[ErrorCode] = &[
    ErrorCode::InvalidIdempotencyKey,
    ErrorCode::IdempotencyKeyReused,
];
const OF_OPERATORS: &[ErrorCode] = &[ErrorCode::NotAnOperator, ErrorCode::OperationNotFound];
/// Of a body that is an asset.
const OF_UPLOADS: &[ErrorCode] = &[
    ErrorCode::BodyIncomplete,
    ErrorCode::BodyTimeout,
    ErrorCode::BodyTooLarge,
    ErrorCode::UnsupportedContentType,
    ErrorCode::UnsupportedTransferEncoding,
    ErrorCode::Failure(FailureCode::AssetEmpty),
];
/// Of what is done to flows that are selected.
const OF_SELECTIONS: &[ErrorCode] = &[
    ErrorCode::InvalidQuery,
    ErrorCode::EmptyList,
    ErrorCode::TooManyFlowIds,
    ErrorCode::FlowIdInBody,
    ErrorCode::NothingSelected,
    ErrorCode::FlowNotFound,
];
const OF_RETRIES: &[ErrorCode] = &[ErrorCode::NothingToRetry, ErrorCode::OperationNotOffered];

/// Of a request that waits for one asset.
pub(crate) struct OneProblems;

impl IntoResponses for OneProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let failures: Vec<_> = FailureCode::ALL
            .iter()
            .copied()
            .map(ErrorCode::Failure)
            .collect();
        documented(&[
            OF_BODIES,
            OF_CALLS,
            OF_WRITERS,
            OF_ORDERS,
            OF_WAITING,
            OF_KEYS,
            OF_UPLOADS,
            &[ErrorCode::InvalidQuery],
            &failures,
        ])
    }
}

/// Of a request with many assets.
pub(crate) struct ManyProblems;

impl IntoResponses for ManyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            OF_BODIES, OF_CALLS, OF_WRITERS, OF_ORDERS, OF_LISTS, OF_KEYS,
        ])
    }
}

/// Of the start of a batch in the background.
pub(crate) struct StartProblems;

impl IntoResponses for StartProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            OF_BODIES, OF_CALLS, OF_WRITERS, OF_ORDERS, OF_LISTS, OF_STARTS,
        ])
    }
}

/// Of the cancelling of a batch.
pub(crate) struct CancelProblems;

impl IntoResponses for CancelProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[OF_CALLS, OF_WRITERS, OF_BATCHES])
    }
}

/// Of the retrying of a batch.
pub(crate) struct RetryProblems;

impl IntoResponses for RetryProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            OF_CALLS, OF_WRITERS, OF_BATCHES, OF_RETRIES, OF_STARTS, OF_KEYS,
        ])
    }
}

/// Of an upload.
pub(crate) struct UploadProblems;

impl IntoResponses for UploadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            OF_BODIES,
            OF_CALLS,
            OF_WRITERS,
            OF_UPLOADS,
            &[ErrorCode::Failure(FailureCode::AssetTooLarge)],
        ])
    }
}

/// Of the cancelling of flows.
pub(crate) struct CancelFlowsProblems;

impl IntoResponses for CancelFlowsProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[OF_BODIES, OF_CALLS, OF_WRITERS, OF_SELECTIONS])
    }
}

/// Of the retrying of flows.
pub(crate) struct RetryFlowsProblems;

impl IntoResponses for RetryFlowsProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            OF_BODIES,
            OF_CALLS,
            OF_WRITERS,
            OF_SELECTIONS,
            OF_STARTS,
            OF_KEYS,
            &[ErrorCode::NothingToRetry],
        ])
    }
}

/// Of stopping an operation, and of letting it go on.
pub(crate) struct OperationProblems;

impl IntoResponses for OperationProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[OF_CALLS, OF_WRITERS, OF_OPERATORS])
    }
}

/// Of making an endpoint.
pub(crate) struct RegisterProblems;

impl IntoResponses for RegisterProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            OF_BODIES,
            OF_CALLS,
            OF_WRITERS,
            &[
                ErrorCode::InvalidUrl,
                ErrorCode::EmptyList,
                ErrorCode::TooManyWebhooks,
            ],
        ])
    }
}

/// Of the list of endpoints.
pub(crate) struct WebhooksProblems;

impl IntoResponses for WebhooksProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[OF_CALLS])
    }
}

/// Of changing the secret of an endpoint.
pub(crate) struct RotateProblems;

impl IntoResponses for RotateProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[OF_CALLS, OF_WRITERS, &[ErrorCode::WebhookNotFound]])
    }
}

/// Of removing an endpoint.
pub(crate) struct RemoveProblems;

impl IntoResponses for RemoveProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[OF_CALLS, OF_WRITERS, &[ErrorCode::WebhookNotFound]])
    }
}

/// Of what an endpoint was told.
pub(crate) struct DeliveriesProblems;

impl IntoResponses for DeliveriesProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            OF_CALLS,
            &[ErrorCode::InvalidQuery, ErrorCode::WebhookNotFound],
        ])
    }
}

/// Of telling an endpoint again.
pub(crate) struct ReplayProblems;

impl IntoResponses for ReplayProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            OF_CALLS,
            OF_WRITERS,
            &[ErrorCode::WebhookNotFound, ErrorCode::DeliveryNotFound],
        ])
    }
}

/// Of telling an endpoint much again.
pub(crate) struct ReplayTimeProblems;

impl IntoResponses for ReplayTimeProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            OF_CALLS,
            OF_WRITERS,
            &[
                ErrorCode::InvalidQuery,
                ErrorCode::NothingSelected,
                ErrorCode::WebhookNotFound,
            ],
        ])
    }
}

/// Of the question whether the service is ready.
pub(crate) struct ReadyProblems;

impl IntoResponses for ReadyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[&[ErrorCode::NotReady]])
    }
}

fn documented(codes: &[&[ErrorCode]]) -> BTreeMap<String, RefOr<Response>> {
    problem_responses(codes.iter().copied().flatten().copied())
}
