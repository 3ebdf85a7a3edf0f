//! Every route, and the function that serves it where Assetmill is deployed.
//!
//! Tests hold equal to this table what the routers serve, the routes in `template.yaml`, and the router of
//! `cargo lambda watch` in `Cargo.toml`.

use http::Method;

/// A Lambda function that serves routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Starts, stops and runs again; says what the service is and how it is doing. Serves [`writes`](crate::writes),
    /// and answers for every path that nobody serves.
    Api,
    /// Reads, and has permission for nothing else. Serves [`reads`](crate::reads).
    Results,
}

impl Function {
    /// What its binary is called, in `template.yaml` and under `cargo lambda watch`.
    pub fn binary(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Results => "results",
        }
    }
}

/// A route, and who serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method that it takes.
    pub method: Method,
    /// Its path, with parameters in braces; one that takes the rest of the path has a star, `{*file}`.
    pub path: &'static str,
    /// The function that serves it.
    pub function: Function,
}

/// Every route. No two are the same.
pub const ROUTES: &[Route] = &[
    api(Method::POST, "/api/v1/transform"),
    api(Method::POST, "/api/v1/transforms"),
    api(Method::POST, "/api/v2/assets"),
    api(Method::POST, "/api/v2/transforms"),
    results(Method::POST, "/api/v2/transforms/results"),
    results(Method::GET, "/api/v2/transforms/{flow_id}"),
    results(Method::GET, "/api/v2/batches"),
    results(Method::GET, "/api/v2/batches/{batch_id}"),
    results(Method::GET, "/api/v2/batches/{batch_id}/failures"),
    api(Method::POST, "/api/v2/batches/{batch_id}/cancel"),
    api(Method::POST, "/api/v2/batches/{batch_id}/retry"),
    api(Method::POST, "/api/v2/flows/cancel"),
    api(Method::POST, "/api/v2/flows/retry"),
    results(Method::GET, "/api/v2/failures"),
    results(Method::GET, "/api/v2/activity"),
    results(Method::GET, "/api/v2/operations"),
    api(Method::POST, "/api/v2/operations/{name}/pause"),
    api(Method::POST, "/api/v2/operations/{name}/resume"),
    api(Method::POST, "/api/v2/webhooks"),
    api(Method::GET, "/api/v2/webhooks"),
    api(Method::DELETE, "/api/v2/webhooks/{webhook_id}"),
    api(Method::POST, "/api/v2/webhooks/{webhook_id}/rotate"),
    api(Method::POST, "/api/v2/webhooks/{webhook_id}/replay"),
    api(Method::GET, "/api/v2/webhooks/{webhook_id}/deliveries"),
    api(
        Method::POST,
        "/api/v2/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    ),
    api(Method::GET, "/"),
    api(Method::GET, "/health"),
    api(Method::GET, "/health/ready"),
    api(Method::GET, "/console"),
    api(Method::GET, "/console/"),
    api(Method::GET, "/console/{*file}"),
    api(Method::GET, "/docs"),
    api(Method::GET, "/docs/"),
    api(Method::GET, "/docs/{*file}"),
    api(Method::GET, "/openapi.json"),
    api(Method::GET, "/samples/coffee.jpg"),
];

const fn api(method: Method, path: &'static str) -> Route {
    Route {
        method,
        path,
        function: Function::Api,
    }
}

const fn results(method: Method, path: &'static str) -> Route {
    Route {
        method,
        path,
        function: Function::Results,
    }
}
