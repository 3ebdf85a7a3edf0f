//! `POST /api/v1/transform`

use assetmill_api::ErrorCode;
use assetmill_core::{FailureCode, OutputKey, Sha256Digest};
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::world::{ACME, ASSET, World};

const PATH: &str = "/api/v1/transform";

fn order(url: &str) -> String {
    json!({ "digital_asset_url": url }).to_string()
}

#[tokio::test]
async fn one_asset_is_answered_with_its_bytes() {
    let answer = World::new().post(PATH, order(ASSET)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.bytes, "the asset /coffee.png");
    assert_eq!(answer.headers["content-type"], "image/png");
    assert_eq!(
        answer.headers["content-length"],
        answer.bytes.len().to_string().as_str()
    );
    assert_eq!(
        answer.headers["etag"],
        format!("\"{}\"", Sha256Digest::of(&answer.bytes)).as_str()
    );
    // Nobody needs to ask for it again.
    assert!(!answer.headers.contains_key("assetmill-flow-id"));
}

#[tokio::test]
async fn operation_and_params_may_be_named_or_left_out() {
    for (extra, copies) in [
        (json!({ "operation": "copy", "params": { "times": 2 } }), 2),
        (json!({ "params": { "times": 3 } }), 3),
        (json!({ "operation": null, "params": null }), 1),
        (json!({ "params": {} }), 1),
    ] {
        let mut body = extra.clone();
        body["digital_asset_url"] = json!(ASSET);
        let answer = World::new().post(PATH, body.to_string()).await;
        assert_eq!(answer.status, 200, "{extra}");
        assert_eq!(answer.bytes, "the asset /coffee.png".repeat(copies));
    }
}

#[tokio::test]
async fn a_result_that_is_too_large_is_answered_by_its_url() {
    let mut world = World::new();
    world.state.max_inline_bytes = Some(20);
    let answer = world.post(PATH, order(ASSET)).await;
    assert_eq!(answer.status, 303);
    let location = answer.headers["location"].to_str().unwrap();
    assert_eq!(answer.json()["url"], location);
    let key = OutputKey::new(
        &"default".parse().unwrap(),
        &Sha256Digest::of(b"the asset /coffee.png"),
        &assetmill_core::MediaType::png(),
    );
    assert!(location.ends_with(&key.to_string()), "{location}");
    world.state.max_inline_bytes = Some(21);
    assert_eq!(world.post(PATH, order(ASSET)).await.status, 200);
}

#[tokio::test]
async fn a_failure_is_a_problem_of_its_code() {
    for code in FailureCode::ALL {
        let url = format!("https://assets.test/fails/{}", code.as_str());
        let answer = World::new().post(PATH, order(&url)).await;
        let status = ErrorCode::Failure(*code).status().as_u16();
        assert_eq!(answer.problem(), (status, code.as_str().to_owned(), None));
        let body = answer.json();
        assert_eq!(body["detail"], "as it was told to");
        assert_eq!(body["retryable"], false);
        assert!(body["flow_id"].is_null(), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_asset_that_takes_too_long_goes_on_without_its_caller() {
    let world = World::new();
    let answer = world.post(PATH, order("https://assets.test/slow")).await;
    assert_eq!(answer.problem(), (504, "still_processing".to_owned(), None));
    let flow_id = answer.json()["flow_id"].as_str().unwrap().to_owned();
    let place = format!("GET /api/v2/transforms/{flow_id}");
    assert!(answer.detail().contains(&place), "{}", answer.detail());
    assert_eq!(world.messages().await, 1);
}

#[tokio::test]
async fn an_output_that_is_gone_is_made_again() {
    let world = World::new();
    let first = world.post(PATH, order(ASSET)).await;
    assert_eq!(first.status, 200);
    let key = OutputKey::new(
        &"default".parse().unwrap(),
        &Sha256Digest::of(&first.bytes),
        &assetmill_core::MediaType::png(),
    );
    world.outputs.lose(&key);
    // The work is done again, instead of pointing at what is not there.
    let again = world.post(PATH, order(ASSET)).await;
    assert_eq!(again.bytes, first.bytes);
}

/// Each body, with the code, the pointer and a part of the detail of its problem.
async fn refused(cases: &[(Value, &str, &str, &str)]) {
    for (body, code, pointer, hint) in cases {
        let answer = World::new().post(PATH, body.to_string()).await;
        let expected = (422, (*code).to_owned(), Some((*pointer).to_owned()));
        assert_eq!(answer.problem(), expected, "{body}");
        assert!(
            answer.detail().contains(hint),
            "{body}: {}",
            answer.detail()
        );
        assert!(!answer.detail().contains("hunter2"));
    }
}

#[tokio::test]
async fn a_url_that_can_not_be_fetched_is_refused() {
    let long = format!("https://assets.test/{}", "x".repeat(5_000));
    for (url, code, hint) in [
        ("coffee.png", "invalid_url", "https://example.com/a.jpg"),
        ("", "invalid_url", "not a URL"),
        ("ftp://a.test/b", "unsupported_scheme", "http and https"),
        (
            "https://me:hunter2@a.test/b",
            "credentials_in_url",
            "presigned",
        ),
        (&long, "url_too_long", "4096"),
    ] {
        let body = json!({ "digital_asset_url": url });
        refused(&[(body, code, "/digital_asset_url", hint)]).await;
    }
}

#[tokio::test]
async fn a_body_of_another_shape_is_refused() {
    let field = "/digital_asset_url";
    refused(&[
        (
            json!({ "digital_asset_url": 5 }),
            "invalid_body",
            field,
            "expected a string",
        ),
        (
            json!({ "digital_asset_url": null }),
            "invalid_body",
            field,
            "expected a string",
        ),
        (json!({}), "invalid_body", field, "missing"),
        (json!([ASSET]), "invalid_body", "", "expected a JSON object"),
        (json!("x"), "invalid_body", "", "a JSON object such as"),
    ])
    .await;
    let several = json!({ "digital_asset_urls": [ASSET] });
    let hint = "POST to /api/v1/transforms";
    refused(&[(several, "invalid_body", "/digital_asset_urls", hint)]).await;
    let unknown = json!({ "digital_asset_url": ASSET, "x": 1 });
    let hint = "expected one of `digital_asset_url`";
    refused(&[(unknown, "invalid_body", "/x", hint)]).await;
}

#[tokio::test]
async fn an_operation_that_can_not_run_is_refused() {
    for (operation, code, hint) in [
        (json!("paint"), "unknown_operation", "copy, vendor"),
        (json!(""), "unknown_operation", "copy, vendor"),
        (json!("vendor"), "operation_unavailable", "VENDOR_KEY"),
        (json!(1), "invalid_body", "expected a string"),
    ] {
        let body = json!({ "digital_asset_url": ASSET, "operation": operation });
        refused(&[(body, code, "/operation", hint)]).await;
    }
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_refused() {
    for (params, code, pointer, hint) in [
        (
            json!({ "times": 4 }),
            "invalid_params",
            "/params/times",
            "from 1 to 3",
        ),
        (
            json!({ "times": "2" }),
            "invalid_params",
            "/params/times",
            "whole number",
        ),
        (
            json!({ "times": null }),
            "invalid_params",
            "/params/times",
            "whole number",
        ),
        (
            json!({ "a/b": 1 }),
            "invalid_params",
            "/params/a~1b",
            "takes times",
        ),
        (
            json!([]),
            "invalid_body",
            "/params",
            "expected a JSON object",
        ),
    ] {
        let body = json!({ "digital_asset_url": ASSET, "params": params });
        refused(&[(body, code, pointer, hint)]).await;
    }
}

#[tokio::test]
async fn huge_parameters_are_not_repeated() {
    let huge = "x".repeat(1_000_000);
    for params in [json!({ "times": huge }), json!({ huge.clone(): 1 })] {
        let body = json!({ "digital_asset_url": ASSET, "params": params });
        let answer = World::new().post(PATH, body.to_string()).await;
        assert_eq!(answer.problem().1, "invalid_params");
        assert!(answer.bytes.len() < 2_500);
    }
}

#[tokio::test]
async fn the_service_answers_the_next_request() {
    let world = World::new();
    assert_eq!(world.post(PATH, "{").await.problem().0, 400);
    assert_eq!(world.get(PATH).await.problem().0, 405);
    let form = Request::post(PATH).body(Body::from("a=b")).unwrap();
    let routes = assetmill_api::layers::around(assetmill_api::writes::router(world.state.clone()));
    assert_eq!(crate::support::ask(routes, form).await.problem().0, 415);
    assert_eq!(world.post(PATH, order(ASSET)).await.status, 200);
}

#[tokio::test]
async fn where_keys_are_asked_for_nothing_runs_without_one() {
    let world = World::with_keys();
    for body in [order(ASSET), "{".to_owned()] {
        let answer = world.post(PATH, body).await;
        assert_eq!(answer.problem(), (401, "unauthorized".to_owned(), None));
        assert_eq!(
            answer.headers["www-authenticate"],
            "Bearer realm=\"assetmill\""
        );
    }
    let answer = world
        .post_as("not-a-key-of-anybody", PATH, order(ASSET))
        .await;
    assert_eq!(answer.problem().0, 401);
    assert!(!answer.detail().contains("not-a-key-of-anybody"));
    assert_eq!(world.post_as(ACME, PATH, order(ASSET)).await.status, 200);
}
