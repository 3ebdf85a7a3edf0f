//! One table of routes: what the routers serve, what `template.yaml` deploys, and what `cargo lambda watch` routes
//! are equal to it.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod deployed;
mod event_bus;
mod secrets;
mod watched;

use std::collections::BTreeSet;

use assetmill_api::{Function, ROUTES, docs, openapi, reads, sample, writes};
use utoipa::openapi::OpenApi;

/// The methods and paths of a document.
fn described(document: &OpenApi) -> BTreeSet<(String, String)> {
    let document = serde_json::to_value(document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, methods): (&String, &serde_json::Value)| {
        let methods = methods.as_object().unwrap();
        let route = |method: &String| (method.to_uppercase(), path.clone());
        methods.keys().map(route).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

fn of_table(function: Function) -> BTreeSet<(String, String)> {
    let routes = ROUTES.iter().filter(|route| route.function == function);
    routes
        .map(|route| (route.method.to_string(), route.path.to_owned()))
        .collect()
}

#[test]
fn no_two_rows_are_the_same() {
    let rows: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.method.as_str(), route.path))
        .collect();
    assert_eq!(rows.len(), ROUTES.len());
}

#[test]
fn results_serves_what_the_table_says() {
    assert_eq!(described(&reads::openapi()), of_table(Function::Results));
}

/// What the document does not describe is the console, the documentation itself, and its sample.
#[tokio::test]
async fn api_serves_what_the_table_says() {
    let described = described(&writes::openapi());
    let table = of_table(Function::Api);
    let missing: Vec<_> = described.difference(&table).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    let page = docs::router(openapi())
        .merge(sample::router())
        .merge(assetmill_console::router());
    for (method, path) in table.difference(&described) {
        let file = if path.starts_with("/console") {
            "app.js"
        } else {
            "swagger-ui.css"
        };
        let asked = path.replace("{*file}", file);
        let answer = support::ask(page.clone(), support::get(&asked)).await;
        assert_eq!(answer.status, 200, "{method} {path} leads nowhere");
    }
}

/// Where the function of a route is missing or another, the row is named.
fn assert_led_by_the_table(place: &str, led_to: impl Fn(&str, &str) -> Option<String>) {
    for route in ROUTES {
        assert_eq!(
            led_to(route.method.as_str(), route.path).as_deref(),
            Some(route.function.binary()),
            "{place} leads {} {} elsewhere than the table",
            route.method,
            route.path
        );
    }
}
