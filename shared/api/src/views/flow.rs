//! One flow in JSON.

use assetmill_core::ports::Unavailable;
use assetmill_core::{BatchId, Failure, FailureCode, Flow, FlowId, Params, Status};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::history::{HistoryView, WaitingView};
use super::time::Time;
use super::{FlowStateView, Links};

/// The processing of one asset.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Flow)]
pub struct FlowView {
    /// Its id.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    pub flow_id: FlowId,
    /// The batch it belongs to.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8000")]
    pub batch_id: BatchId,
    /// Its place in the batch, from 0, in the order of the request.
    pub index: u32,
    /// Where it stands.
    pub state: FlowStateView,
    /// The asset.
    #[schema(example = "https://example.com/a.jpg")]
    pub digital_asset_url: String,
    /// What is done to it.
    #[schema(example = "thumbnail")]
    pub operation: String,
    /// With which parameters, defaults filled in.
    #[schema(value_type = Object)]
    pub params: Params,
    /// Its result, once it is COMPLETED.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultView>,
    /// Why it FAILED; while it waits for another try, why the last one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorView>,
    /// Attempts so far. Waiting for others' patience costs none.
    pub attempts: u32,
    /// Calls of a paid operation whose end was never learnt: each may have been charged.
    pub unconfirmed_calls: u32,
    /// When the next try is due, while it waits for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Time>,
    /// What it waits for, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<WaitingView>,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    created_at: Time,
    /// When its first attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Time>,
    /// When it reached its final state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    settled_at: Option<Time>,
    /// What happened to it, where one flow is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<HistoryView>,
}

/// A stored result.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FlowResult)]
pub struct ResultView {
    /// Where to fetch it. The URL needs no key: whoever has it can fetch the result.
    #[schema(
        format = "uri",
        example = "http://127.0.0.1:8000/outputs/default/0f3a….webp?…"
    )]
    pub url: String,
    /// When the URL stops working. Reading the flow again gives another.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T10:30:00.000Z")]
    pub(super) expires_at: Time,
    /// What it is.
    #[schema(example = "image/webp")]
    pub media_type: String,
    /// Its length in bytes.
    #[schema(example = 18_231)]
    pub bytes: u64,
    /// The SHA-256 of its content, 64 hexadecimal digits.
    pub sha256: String,
}

/// Why a flow, or its last try, failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FlowError)]
pub struct ErrorView {
    /// What happened, for programs. Codes are never renamed.
    #[schema(schema_with = failure_codes)]
    pub code: FailureCode,
    /// What happened and what would be right, for people.
    #[schema(example = "the source has no such asset (404); check the URL")]
    pub message: String,
    /// Whether the same request may succeed at another time.
    pub retryable: bool,
}

/// The row of an id that is not the caller's.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = UnknownFlow)]
pub struct UnknownFlowView {
    /// The id that was asked for.
    #[schema(value_type = String, format = "uuid")]
    pub flow_id: FlowId,
    /// Always `NOT_FOUND`.
    #[schema(schema_with = not_found)]
    pub state: &'static str,
}

/// The answer about one id.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
// One is much larger than the other, and nearly all are of that one.
#[allow(clippy::large_enum_variant)]
pub enum FlowRow {
    /// It names a flow of the caller.
    Known(FlowView),
    /// It does not.
    Unknown(UnknownFlowView),
}

impl FlowView {
    /// What is shown of a flow.
    ///
    /// # Errors
    /// [`Unavailable`] when the URL of its result can't be made.
    pub async fn of(flow: &Flow, links: &Links) -> Result<Self, Unavailable> {
        let mut view = Self::without_status(flow);
        match &flow.status {
            Status::Pending {
                not_before,
                last_failure,
            } => {
                view.not_before = not_before.map(Time::from);
                view.error = last_failure.as_ref().map(ErrorView::from);
            }
            Status::Running { .. } => {}
            Status::Completed { output, settled_at } => {
                view.result = Some(links.result(output).await?);
                view.settled_at = Some((*settled_at).into());
            }
            Status::Failed {
                failure,
                settled_at,
            } => {
                view.error = Some(failure.into());
                view.settled_at = Some((*settled_at).into());
            }
            Status::Cancelled { settled_at } => view.settled_at = Some((*settled_at).into()),
        }
        Ok(view)
    }

    fn without_status(flow: &Flow) -> Self {
        Self {
            flow_id: flow.id,
            batch_id: flow.batch_id,
            index: flow.index,
            state: flow.state().into(),
            digital_asset_url: flow.source.to_string(),
            operation: flow.operation.to_string(),
            params: flow.params.clone(),
            result: None,
            error: None,
            attempts: flow.attempts,
            unconfirmed_calls: flow.unconfirmed_calls,
            not_before: None,
            created_at: flow.created_at.into(),
            started_at: flow.started_at.map(Time::from),
            settled_at: None,
            waiting: WaitingView::of(flow),
            history: None,
        }
    }

    /// The same, with what happened to the flow.
    #[must_use]
    pub fn with_history(mut self, flow: &Flow) -> Self {
        self.history = Some(HistoryView::of(flow));
        self
    }
}

impl UnknownFlowView {
    /// The row of an id that is not the caller's.
    pub fn new(flow_id: FlowId) -> Self {
        Self {
            flow_id,
            state: "NOT_FOUND",
        }
    }
}

impl From<&Failure> for ErrorView {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code,
            message: failure.message.clone(),
            retryable: failure.retryable,
        }
    }
}

/// The one state that no flow has: it tells the two kinds of rows apart.
fn not_found() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Always `NOT_FOUND`."))
        .enum_values(Some(["NOT_FOUND"]))
        .build()
        .into()
}

/// A code in the document, where it stands by itself.
pub(crate) struct FailureCodeView;

impl PartialSchema for FailureCodeView {
    fn schema() -> RefOr<Schema> {
        failure_codes().into()
    }
}

impl ToSchema for FailureCodeView {}

pub(super) fn failure_codes() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "What happened, for programs. Codes are never renamed.",
        ))
        .enum_values(Some(FailureCode::ALL.iter().map(|code| code.as_str())))
        .build()
        .into()
}
