//! The codes of problems, and the status that each is answered with.

use std::time::Duration;

use assetmill_core::FailureCode;
use http::StatusCode;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident => $text:literal, $status:ident;)*) => {
        /// What went wrong, for programs. Clients may branch on it; codes are never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
            /// The flow that the caller waits for failed.
            Failure(FailureCode),
        }

        impl ErrorCode {
            /// Every code that is not a flow's failure.
            pub const OF_REQUESTS: &[Self] = &[$(Self::$variant,)*];

            /// The code as it stands in JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Failure(code) => code.as_str(),
                }
            }

            /// The status that it is answered with.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)*
                    Self::Failure(code) => failure_status(code),
                }
            }
        }
    };
}

error_codes! {
    /// The body is not JSON.
    MalformedJson => "malformed_json", BAD_REQUEST;
    /// The body is JSON, but not of the right shape.
    InvalidBody => "invalid_body", UNPROCESSABLE_ENTITY;
    /// The body is not declared as plain JSON.
    UnsupportedContentType => "unsupported_content_type", UNSUPPORTED_MEDIA_TYPE;
    /// The body is larger than bodies may be.
    BodyTooLarge => "body_too_large", PAYLOAD_TOO_LARGE;
    /// The body did not come in time.
    BodyTimeout => "body_timeout", REQUEST_TIMEOUT;
    /// The body broke off.
    BodyIncomplete => "body_incomplete", BAD_REQUEST;
    /// The path should hold the id of a flow.
    FlowIdInPath => "invalid_flow_id", BAD_REQUEST;
    /// The path should hold the id of a batch.
    BatchIdInPath => "invalid_batch_id", BAD_REQUEST;
    /// The body should hold ids of flows.
    FlowIdInBody => "invalid_flow_id", UNPROCESSABLE_ENTITY;
    /// The request has no Host, several, or one that names nothing.
    InvalidHost => "invalid_host", BAD_REQUEST;
    /// The request is for a host that this service is not.
    UnknownHost => "unknown_host", MISDIRECTED_REQUEST;
    /// The body is sent in a coding that is not taken.
    UnsupportedTransferEncoding => "unsupported_transfer_encoding", NOT_IMPLEMENTED;
    /// A query parameter is unknown, given twice, or not what it may be.
    InvalidQuery => "invalid_query", BAD_REQUEST;
    /// The request's idempotency key is none.
    InvalidIdempotencyKey => "invalid_idempotency_key", BAD_REQUEST;
    /// The idempotency key was given to another request.
    IdempotencyKeyReused => "idempotency_key_reused", UNPROCESSABLE_ENTITY;
    /// The request has no key, or an unknown one.
    Unauthorized => "unauthorized", UNAUTHORIZED;
    /// The caller sends more requests than it may.
    RateLimited => "rate_limited", TOO_MANY_REQUESTS;
    /// The caller would have more flows in batches that are not complete than it may.
    TooManyOpenFlows => "too_many_open_flows", TOO_MANY_REQUESTS;
    /// The request starts or stops something, and its key is for reading alone.
    ReadOnlyKey => "read_only_key", FORBIDDEN;
    /// The request is for operators, and the caller is none.
    NotAnOperator => "not_an_operator", FORBIDDEN;
    /// The catalogue has no operation of the name in the path.
    OperationNotFound => "operation_not_found", NOT_FOUND;
    /// The caller has no such endpoint.
    WebhookNotFound => "webhook_not_found", NOT_FOUND;
    /// The endpoint was told no such thing.
    DeliveryNotFound => "delivery_not_found", NOT_FOUND;
    /// The caller has as many endpoints as it may.
    TooManyWebhooks => "too_many_webhooks", CONFLICT;
    /// The URL of an output was altered, or its time is over.
    LinkRefused => "link_refused", FORBIDDEN;
    /// Nothing is at this path.
    UnknownPath => "unknown_path", NOT_FOUND;
    /// The path does not take this method.
    MethodNotAllowed => "method_not_allowed", METHOD_NOT_ALLOWED;
    /// The part that was asked for is not in what is there.
    RangeNotSatisfiable => "range_not_satisfiable", RANGE_NOT_SATISFIABLE;
    /// A condition of the request does not hold.
    PreconditionFailed => "precondition_failed", PRECONDITION_FAILED;
    /// The caller has no such flow.
    FlowNotFound => "flow_not_found", NOT_FOUND;
    /// The caller has no such batch.
    BatchNotFound => "batch_not_found", NOT_FOUND;
    /// The list names nothing.
    EmptyList => "empty_list", UNPROCESSABLE_ENTITY;
    /// The list names more assets than a batch may have.
    TooManyUrls => "too_many_urls", UNPROCESSABLE_ENTITY;
    /// The list names more flows than one question may.
    TooManyFlowIds => "too_many_flow_ids", UNPROCESSABLE_ENTITY;
    /// Neither a filter nor ids say which flows are meant.
    NothingSelected => "nothing_selected", UNPROCESSABLE_ENTITY;
    /// The answer would be larger than answers may be here.
    AnswerTooLarge => "answer_too_large", UNPROCESSABLE_ENTITY;
    /// The text is no URL.
    InvalidUrl => "invalid_url", UNPROCESSABLE_ENTITY;
    /// The catalogue has no such operation.
    UnknownOperation => "unknown_operation", UNPROCESSABLE_ENTITY;
    /// The catalogue has the operation, but it can't run here.
    OperationNotOffered => "operation_unavailable", UNPROCESSABLE_ENTITY;
    /// The operation does not take this parameter, or not this value of it.
    InvalidParams => "invalid_params", UNPROCESSABLE_ENTITY;
    /// The batch has no failure that could be run again.
    NothingToRetry => "nothing_to_retry", CONFLICT;
    /// The flow was cancelled while its caller waited.
    FlowCancelled => "flow_cancelled", CONFLICT;
    /// The flow takes longer than its caller can wait; it goes on.
    StillProcessing => "still_processing", GATEWAY_TIMEOUT;
    /// A dependency of the service does not answer its probe.
    NotReady => "not_ready", SERVICE_UNAVAILABLE;
    /// A dependency of the service failed during the request.
    Unavailable => "unavailable", SERVICE_UNAVAILABLE;
    /// What the caller has under way leaves no memory for more.
    Busy => "busy", SERVICE_UNAVAILABLE;
    /// The service made a mistake.
    Internal => "internal", INTERNAL_SERVER_ERROR;
}

/// What the asset or its source is to blame for is 422, what a vendor or the operator is to blame
/// for is 502, who asks for patience is 503, who is too slow is 504, a crash is 500.
const fn failure_status(code: FailureCode) -> StatusCode {
    use FailureCode as F;
    match code {
        F::UnsupportedScheme
        | F::CredentialsInUrl
        | F::UrlTooLong
        | F::SourceRefused
        | F::SourceNotFound
        | F::SourceDenied
        | F::SourceRejected
        | F::SourceIncomplete
        | F::SourceBadRedirect
        | F::AssetEmpty
        | F::AssetTooLarge
        | F::TooManyPixels
        | F::TooExpensive
        | F::OperationTooExpensive
        | F::UnsupportedMediaType
        | F::CorruptAsset
        | F::BudgetNotMet
        | F::VendorRejected
        | F::VendorModerated => StatusCode::UNPROCESSABLE_ENTITY,
        F::VendorDenied
        | F::VendorUnconfirmed
        | F::VendorResponseInvalid
        | F::OperationUnavailable => StatusCode::BAD_GATEWAY,
        F::SourceUnavailable | F::SourceThrottled | F::VendorUnavailable | F::VendorThrottled => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        F::SourceTimeout | F::VendorTimeout | F::OperationTimeout | F::GaveUpWaiting => {
            StatusCode::GATEWAY_TIMEOUT
        }
        F::OperationCrashed | F::WorkerCrashed => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl ErrorCode {
    /// Every code there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let failures = FailureCode::ALL.iter().copied().map(Self::Failure);
        Self::OF_REQUESTS.iter().copied().chain(failures)
    }

    /// How long to wait before the same request may succeed.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            // Others were asked already, and more than once.
            Self::Failure(_) if self.status() == StatusCode::SERVICE_UNAVAILABLE => {
                Some(Duration::from_secs(30))
            }
            // At least; the answer knows better.
            Self::RateLimited => Some(Duration::from_secs(1)),
            // Nobody knows when a batch completes.
            Self::TooManyOpenFlows => Some(Duration::from_secs(10)),
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(Duration::from_secs(5)),
            _ => None,
        }
    }
}

/// The schema of a code: one of all codes.
pub(super) fn schema() -> Schema {
    let mut codes: Vec<_> = ErrorCode::all().map(ErrorCode::as_str).collect();
    codes.sort_unstable();
    codes.dedup();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "What went wrong, for programs. Codes are never renamed.",
        ))
        .enum_values(Some(codes))
        .build()
        .into()
}
