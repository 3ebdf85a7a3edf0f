//! The routes.

mod activity;
mod batches;
mod flows;
mod operations;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::reads::ReadState;

/// Every route.
pub(crate) fn all() -> OpenApiRouter<Arc<ReadState>> {
    OpenApiRouter::new()
        .routes(routes!(flows::results))
        .routes(routes!(flows::flow))
        .routes(routes!(batches::batches))
        .routes(routes!(batches::batch))
        .routes(routes!(batches::batch_failures))
        .routes(routes!(batches::failures))
        .routes(routes!(activity::activity))
        .routes(routes!(operations::operations))
}
