//! The service itself: what it is, and whether it works.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::writes::WriteState;
use crate::writes::problems::ReadyProblems;
use crate::{ErrorCode, Problem};

/// What the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct About {
    /// Its name.
    #[schema(example = "assetmill")]
    service: &'static str,
    /// Its version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Where its documentation is.
    #[schema(example = "/docs")]
    docs: &'static str,
    /// Where its OpenAPI document is.
    #[schema(example = "/openapi.json")]
    openapi: &'static str,
}

/// Whether the service lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the service can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// The dependencies that answered.
    #[schema(example = json!(["flows", "outputs", "queue"]))]
    dependencies: Vec<&'static str>,
}

/// What this is
///
/// The name and version of the service, and where its documentation is.
#[utoipa::path(
    get,
    path = "/",
    tag = "service",
    security(()),
    responses((status = 200, description = "The service", body = About)),
)]
pub(crate) async fn about() -> Json<About> {
    Json(About {
        service: "assetmill",
        version: env!("CARGO_PKG_VERSION"),
        status: "ok",
        docs: "/docs",
        openapi: "/openapi.json",
    })
}

/// Whether it lives
///
/// Asks nothing of anybody: answers as long as the process takes requests.
#[utoipa::path(
    get,
    path = "/health",
    tag = "service",
    security(()),
    responses((status = 200, description = "It lives", body = Health)),
)]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether it can work
///
/// Asks each dependency, at the same time and for at most 2 seconds; what it said is the answer for the
/// next 5. The problem of a service that is not ready names the dependencies that don't answer.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "service",
    security(()),
    responses((status = 200, description = "Every dependency answers", body = Ready), ReadyProblems),
)]
pub(crate) async fn ready(State(state): State<Arc<WriteState>>) -> Result<Json<Ready>, Problem> {
    let report = state.readiness.report().await;
    if !report.down.is_empty() {
        let detail = format!("not answering: {}", report.down.join(", "));
        return Err(Problem::new(ErrorCode::NotReady, detail));
    }
    Ok(Json(Ready {
        status: "ready",
        dependencies: report.up,
    }))
}
