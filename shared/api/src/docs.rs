//! The interactive documentation and the document behind it.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue};
use url::Url;
use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa_swagger_ui::Config;

use crate::layers::nothing_here;
use crate::{Problem, problem};

/// Where the examples say that the service is.
const EXAMPLE_BASE: &str = "http://127.0.0.1:8000";

/// The page. Its links are relative to the folder `docs`, so that it works below any prefix, and with or
/// without a slash at the end: some gateways strip it, and would be redirected for ever.
fn page(folder: &str) -> Html<String> {
    Html(format!(
        r#"<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8">
    <title>Assetmill</title>
    <base href="{folder}">
    <link rel="stylesheet" href="swagger-ui.css">
    <link rel="stylesheet" href="index.css">
    <link rel="icon" href="favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="swagger-ui-bundle.js"></script>
    <script src="swagger-ui-standalone-preset.js"></script>
    <script src="swagger-initializer.js"></script>
  </body>
</html>
"#
    ))
}

/// Serves `/docs`, with everything that the page needs, and `/openapi.json`.
pub fn router(openapi: OpenApi) -> Router {
    let openapi = Arc::new(openapi);
    page_routes().route("/openapi.json", get(async move || Json(openapi)))
}

/// As [`router`], for a service that does not know where it is reached: its examples name the host that the
/// document was asked of.
pub fn router_anywhere(openapi: OpenApi) -> Router {
    let openapi = Arc::new(openapi);
    let served = async move |headers: HeaderMap| match base_of(&headers) {
        Some(base) => Json(served_at((*openapi).clone(), &base)),
        None => Json((*openapi).clone()),
    };
    page_routes().route("/openapi.json", get(served))
}

/// Where the service was reached, as far as its gateway tells.
fn base_of(headers: &HeaderMap) -> Option<String> {
    let text = |value: &HeaderValue| value.to_str().ok().map(ToOwned::to_owned);
    let host = headers.get(HOST).and_then(text)?;
    let scheme = headers.get("x-forwarded-proto").and_then(text);
    let base = format!("{}://{host}", scheme.as_deref().unwrap_or("http"));
    Url::parse(&base).is_ok().then_some(base)
}

fn page_routes() -> Router {
    // Relative to the folder, as the page's links are.
    let config = Config::from("../openapi.json")
        .try_it_out_enabled(true)
        .doc_expansion("list")
        .default_models_expand_depth(0)
        // The default asks a validator on the Internet about the document.
        .validator_url("none");
    let config = Arc::new(config);
    Router::new()
        .route("/docs", get(async || page("docs/")))
        .route("/docs/", get(async || page("./")))
        .route("/docs/{*file}", get(async move |file| asset(file, config)))
}

/// A file of the page.
fn asset(Path(name): Path<String>, config: Arc<Config<'static>>) -> Result<Response, Problem> {
    let file = utoipa_swagger_ui::serve(&name, config).map_err(|error| {
        tracing::error!(%error, "file of the documentation can't be made");
        Problem::internal()
    })?;
    let file = file.ok_or_else(nothing_here)?;
    let encoding = file.gzpipped.then_some([(CONTENT_ENCODING, "gzip")]);
    Ok(([(CONTENT_TYPE, file.content_type)], encoding, file.bytes).into_response())
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
