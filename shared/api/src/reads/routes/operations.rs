//! What can be done.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::not_modified::{IfNoneMatch, NotModified};
use crate::reads::ReadState;
use crate::reads::problems::CallProblems;
use crate::views::OperationView;
use crate::{Caller, Problem};

/// The catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Operations {
    /// Every operation, by name.
    operations: Vec<OperationView>,
}

/// The catalogue of operations
///
/// Names, parameters and media types of what can be asked for, and which one runs by default; what each may be asked
/// for, and whether it admits flows now.
#[utoipa::path(
    get,
    path = "/api/v2/operations",
    tag = "catalogue",
    params(IfNoneMatch),
    responses(
        (status = 200, description = "Every operation", body = Operations),
        NotModified,
        CallProblems,
    ),
)]
pub(crate) async fn operations(
    State(state): State<Arc<ReadState>>,
    _caller: Caller,
) -> Result<Json<Operations>, Problem> {
    let now = state.clock.now();
    let operations = OperationView::all(&state.catalogue, &*state.gates, now);
    Ok(Json(Operations {
        operations: operations.await?,
    }))
}
