//! The routes.

pub(super) mod assets;
mod batches;
mod flows;
mod operations;
mod service;
mod transform;
mod transforms;
mod webhooks;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::writes::WriteState;

/// Every route.
pub(crate) fn all() -> OpenApiRouter<Arc<WriteState>> {
    OpenApiRouter::new()
        .routes(routes!(transform::transform_one))
        .routes(routes!(transforms::transform_many))
        .routes(routes!(transforms::start_batch))
        .routes(routes!(assets::upload_asset))
        .routes(routes!(batches::cancel_batch))
        .routes(routes!(batches::retry_batch))
        .routes(routes!(flows::cancel_flows))
        .routes(routes!(flows::retry_flows))
        .routes(routes!(operations::pause_operation))
        .routes(routes!(operations::resume_operation))
        .routes(routes!(webhooks::register_webhook, webhooks::list_webhooks))
        .routes(routes!(webhooks::remove_webhook))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::list_deliveries))
        .routes(routes!(webhooks::replay_time))
        .routes(routes!(webhooks::replay_delivery))
        .routes(routes!(service::about))
        .routes(routes!(service::health))
        .routes(routes!(service::ready))
}
