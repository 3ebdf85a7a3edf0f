//! What the function `api` serves: v1, the submission of v2 batches, cancel, retry, and health.
//!
//! [`router`] is a function of its ports: a Lambda and the program on one machine mount the same.

mod action;
mod announcing;
mod given_webhook;
mod keyed;
mod problems;
mod readiness;
mod routes;
mod rows;
mod sent_asset;
mod state;
mod transform_request;
mod uploading;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::caller::quota;
use crate::docs::Shared;

pub use readiness::Readiness;
pub use state::{Uploads, WriteState};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Assetmill",
        description = "Turns digital assets into processed digital assets. Give it URLs and the \
                       name of an operation; it fetches each asset, runs the operation, stores \
                       the output and tells you how each one went.\n\n\
                       Errors are `application/problem+json` (RFC 9457) with a stable `code`."
    ),
    tags(
        (name = "transform", description = "Answers while you wait"),
        (name = "assets", description = "Assets that nobody hosts"),
        (name = "batches", description = "Runs in the background"),
        (name = "operations", description = "For operators: stopping an operation, and letting it go on"),
        (name = "webhooks", description = "Endpoints that are told what happens, by Standard Webhooks"),
        (name = "service", description = "The service itself"),
    ),
    modifiers(&Shared),
)]
struct Document;

/// The routes.
///
/// Whoever mounts them adds [`crate::layers::around`] once all routes are there.
pub fn router(state: WriteState) -> Router {
    let routes: Router = routes().with_state(Arc::new(state)).into();
    routes.layer(from_fn(quota::tell))
}

/// The part of the OpenAPI document that describes these routes.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<Arc<WriteState>> {
    OpenApiRouter::with_openapi(Document::openapi()).merge(routes::all())
}
