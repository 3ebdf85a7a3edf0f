//! The interactive documentation and the document behind it.

use axum::Router;
use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem;

/// Where the examples say that the service is.
const EXAMPLE_BASE: &str = "http://127.0.0.1:8000";

/// Serves `/docs`, with everything that the page needs, and `/openapi.json`.
pub fn router(openapi: OpenApi) -> Router {
    let config = Config::default()
        .try_it_out_enabled(true)
        .doc_expansion("list")
        .default_models_expand_depth(0)
        // The default asks a validator on the Internet about the document.
        .validator_url("none");
    SwaggerUi::new("/docs")
        .config(config)
        .url("/openapi.json", openapi)
        .into()
}

/// The same document for a service that is reached at `base`: examples that name one of its own
/// sample assets work as they stand.
pub fn served_at(openapi: OpenApi, base: &str) -> OpenApi {
    let base = base.trim_end_matches('/');
    serde_json::to_string(&openapi)
        .map(|text| text.replace(EXAMPLE_BASE, base))
        .and_then(|text| serde_json::from_str(&text))
        .unwrap_or(openapi)
}

/// Adds what every function's document has: the problem schema, and how callers show their key.
#[derive(Debug, Clone, Copy)]
pub struct Shared;

impl Modify for Shared {
    fn modify(&self, openapi: &mut OpenApi) {
        let (name, schema) = problem::schema();
        let components = openapi
            .components
            .get_or_insert_with(|| ComponentsBuilder::new().build());
        components.schemas.insert(name, schema);
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("Your key, where the operator requires one."))
            .build();
        let header = ApiKeyValue::with_description(
            "X-Api-Key",
            "Your key, where the operator requires one.",
        );
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(header)));
        let no_scopes: [&str; 0] = [];
        openapi.security = Some(vec![
            SecurityRequirement::default(),
            SecurityRequirement::new("bearer", no_scopes),
            SecurityRequirement::new("api_key", no_scopes),
        ]);
    }
}
