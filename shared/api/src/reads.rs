//! What the function `results` serves: every read. Needs read permissions only.
//!
//! [`router`] is a function of its ports: a Lambda and the program on one machine mount the same.

pub(crate) mod pages;
mod problems;
mod routes;
mod rows;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::caller::quota;
use crate::docs::Shared;
use crate::not_modified::not_modified;

pub use state::ReadState;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Assetmill: results"),
    tags(
        (name = "results", description = "How flows and batches are doing"),
        (name = "catalogue", description = "What can be done"),
    ),
    modifiers(&Shared),
)]
struct Document;

/// The routes.
///
/// Whoever mounts them adds [`crate::layers::around`] once all routes are there.
pub fn router(state: ReadState) -> Router {
    let routes: Router = routes().with_state(Arc::new(state)).into();
    routes
        .layer(from_fn(not_modified))
        .layer(from_fn(quota::tell))
}

/// The part of the OpenAPI document that describes these routes.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<Arc<ReadState>> {
    OpenApiRouter::with_openapi(Document::openapi()).merge(routes::all())
}
