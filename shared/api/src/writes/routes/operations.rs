//! Stopping an operation, and letting it go on.

use std::sync::Arc;

use assetmill_core::OperationName;
use assetmill_core::ports::GateRule;
use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::{Json, RequestPartsExt as _};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::views::BreakerView;
use crate::writes::WriteState;
use crate::writes::problems::OperationProblems;
use crate::{ErrorCode, Problem, Writer};

/// How an operation admits flows now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Admitting {
    /// The operation.
    #[schema(value_type = String, example = "remove-background")]
    operation: OperationName,
    /// How it admits flows.
    breaker: BreakerView,
}

/// The operation that a path names.
pub(crate) struct InPath(OperationName);

impl FromRequestParts<Arc<WriteState>> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Arc<WriteState>,
    ) -> Result<Self, Problem> {
        let unknown = || {
            Problem::new(
                ErrorCode::OperationNotFound,
                "there is no such operation; GET /api/v2/operations lists them",
            )
        };
        let params: RawPathParams = parts.extract().await.map_err(|_| unknown())?;
        let (_, name) = params.iter().next().ok_or_else(unknown)?;
        let operation = state.catalogue.get(name).ok_or_else(unknown)?;
        Ok(Self(operation.description().name.clone()))
    }
}

/// Stop an operation
///
/// Admits no flow of it any more, of any tenant: flows are accepted and wait, at no cost in attempts, until it is
/// resumed. Calls that go on end, and jobs that a vendor took on are asked about. A chain waits at the step that is
/// paused. Pausing again changes nothing. Endpoints of all tenants that ask for `operation.paused` are told. For operators: on a service with keys, the tenants that
/// `ASSETMILL_OPERATORS` names.
#[utoipa::path(
    post,
    path = "/api/v2/operations/{name}/pause",
    tag = "operations",
    params(("name" = String, Path, description = "The operation", example = "remove-background")),
    responses(
        (status = 200, description = "It is stopped", body = Admitting),
        OperationProblems,
    ),
)]
pub(crate) async fn pause_operation(
    State(state): State<Arc<WriteState>>,
    writer: Writer,
    InPath(name): InPath,
) -> Result<Json<Admitting>, Problem> {
    let (by, now) = (writer.0.clone(), state.submit.clock.now());
    let rule = move |gate: &mut assetmill_core::pacing::Gate| gate.pause(by.clone(), now);
    change(&state, &writer, name, Arc::new(rule)).await
}

/// Let an operation go on
///
/// Admits flows again that waited since it was paused, in their order: the first of them within half a minute. A vendor
/// that is down is asked at once, and one that asked to be left alone (`Retry-After`) is so no more: flows that come from
/// now on pass, and those that were told a time before come then. Resuming what is `closed` changes nothing.
#[utoipa::path(
    post,
    path = "/api/v2/operations/{name}/resume",
    tag = "operations",
    params(("name" = String, Path, description = "The operation", example = "remove-background")),
    responses(
        (status = 200, description = "It goes on", body = Admitting),
        OperationProblems,
    ),
)]
pub(crate) async fn resume_operation(
    State(state): State<Arc<WriteState>>,
    writer: Writer,
    InPath(name): InPath,
) -> Result<Json<Admitting>, Problem> {
    let now = state.submit.clock.now();
    change(
        &state,
        &writer,
        name,
        Arc::new(move |gate| gate.resume(now)),
    )
    .await
}

async fn change(
    state: &WriteState,
    writer: &Writer,
    operation: OperationName,
    rule: GateRule,
) -> Result<Json<Admitting>, Problem> {
    state.operators.check(writer)?;
    let before = state.gates.change_gate(&operation, None, rule.clone());
    let before = before.await?;
    let gate = before.apply(&*rule).unwrap_or(before);
    let now = state.submit.clock.now();
    if let Some(paused) = gate.paused() {
        // Who is not answered asks again, and it is the same then.
        let since = paused.since();
        let noted = state
            .webhooks
            .operation_paused(&writer.0, &operation, since);
        noted.await?;
    }
    tracing::info!(operation = %operation, tenant = %writer.0, "operation stopped or let go on");
    Ok(Json(Admitting {
        operation,
        breaker: BreakerView::of(&gate, now),
    }))
}
