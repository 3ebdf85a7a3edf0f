//! Request bodies that are not what they should be.
#![allow(clippy::unwrap_used)]

mod support;

use std::convert::Infallible;
use std::time::Duration;

use assetmill_api::{Callers, InFlight, JsonBody, MAX_BODY_BYTES, RequestBody};
use axum::Router;
use axum::body::Body;
use axum::extract::FromRef;
use axum::routing::post as on_post;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Request;
use serde::Deserialize;
use support::{ask, post};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct TransformRequest {
    names: Vec<String>,
    size: Option<Size>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Size {
    width: u8,
}

impl RequestBody for TransformRequest {
    const MISTAKEN_FIELDS: &'static [(&'static str, &'static str)] =
        &[("name", "several names go into names")];
}

/// Whoever asks may, and has so much memory with nobody.
#[derive(Clone)]
struct World(InFlight);

impl FromRef<World> for Callers {
    fn from_ref(_: &World) -> Self {
        Self::open("acme".parse().unwrap())
    }
}

impl FromRef<World> for InFlight {
    fn from_ref(world: &World) -> Self {
        world.0.clone()
    }
}

fn router() -> Router {
    router_with(InFlight::unbounded())
}

fn router_with(memory: InFlight) -> Router {
    let taken = on_post(async |_: JsonBody<TransformRequest>| "taken");
    Router::new().route("/", taken).with_state(World(memory))
}

#[tokio::test]
async fn a_body_of_the_right_shape_is_taken() {
    for content_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.acme+json",
    ] {
        let request = Request::post("/")
            .header("content-type", content_type)
            .body(Body::from(r#"{"names": ["a"], "size": null}"#))
            .unwrap();
        assert_eq!(ask(router(), request).await.status, 200, "{content_type}");
    }
}

#[tokio::test]
async fn what_has_the_wrong_shape_says_where_and_what_would_be_right() {
    for (body, pointer, hint) in [
        ("[]", "", "expected a JSON object"),
        (r#" [["a"], null]"#, "", "expected a JSON object"),
        ("5", "", "expected struct TransformRequest"),
        ("{}", "/names", "missing field `names`"),
        (r#"{"names": 5}"#, "/names", "expected a JSON array"),
        (r#"{"names": ["a", 5]}"#, "/names/1", "expected a string"),
        (r#"{"names": [], "size": {}}"#, "/size/width", "missing"),
        (
            r#"{"names": [], "size": {"width": 256}}"#,
            "/size/width",
            "u8",
        ),
        (
            r#"{"names": [], "size": {"w/h": 1}}"#,
            "/size/w~1h",
            "expected `width`",
        ),
        (
            r#"{"names": [], "colour": 1}"#,
            "/colour",
            "expected `names` or `size`",
        ),
        (r#"{"name": "a"}"#, "/name", "several names go into names"),
        (r#"{"names": [], "names": []}"#, "/names", "duplicate"),
    ] {
        let answer = ask(router(), post("/", body)).await;
        let expected = (422, "invalid_body".to_owned(), Some(pointer.to_owned()));
        assert_eq!(answer.problem(), expected, "{body}");
        assert!(
            answer.detail().contains(hint),
            "{body}: {}",
            answer.detail()
        );
    }
}

#[tokio::test]
async fn what_is_not_json_says_where_it_stops_to_be() {
    let deep = vec![b'['; 100_000];
    for (body, place) in [
        (&b""[..], "line 1, column 0"),
        (b"{\"names\": [\"a\"", "line 1, column"),
        (b"{\n\"names\": x}", "line 2, column 10"),
        (b"{\"names\": []} {}", "line 1, column 15"),
        (b"{\"names\": [\"\xff\"]}", "line 1, column"),
        (&deep, "line 1, column"),
    ] {
        let answer = ask(router(), post("/", body.to_vec())).await;
        assert_eq!(answer.problem(), (400, "malformed_json".to_owned(), None));
        assert!(answer.detail().contains(place), "{}", answer.detail());
    }
}

#[tokio::test]
async fn other_types_are_refused() {
    for (header, value) in [
        ("content-type", "text/plain"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-type", "application/jsonp"),
        ("x-none", "at all"),
    ] {
        let request = Request::post("/")
            .header(header, value)
            .body(Body::from("{}"))
            .unwrap();
        let answer = ask(router(), request).await;
        assert_eq!(
            answer.problem(),
            (415, "unsupported_content_type".to_owned(), None)
        );
        assert!(answer.detail().contains("Content-Type: application/json"));
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let mut request = post("/", "{}");
    let headers = request.headers_mut();
    headers.insert("content-encoding", "gzip".parse().unwrap());
    let answer = ask(router(), request).await;
    assert_eq!(answer.problem().0, 415);
    assert!(answer.detail().contains("Content-Encoding"));
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    let body = |length: usize| {
        let frame = r#"{"names": [""]}"#;
        let filling = "x".repeat(length - frame.len());
        format!(r#"{{"names": ["{filling}"]}}"#)
    };
    let largest = ask(router(), post("/", body(MAX_BODY_BYTES))).await;
    assert_eq!(largest.status, 200);
    let larger = ask(router(), post("/", body(MAX_BODY_BYTES + 1))).await;
    assert_eq!(larger.problem(), (413, "body_too_large".to_owned(), None));
    assert!(larger.detail().contains("5242880"));
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_refused_without_reading() {
    let never = stream::pending::<Result<Bytes, Infallible>>();
    let mut request = post("/", Body::from_stream(never));
    let headers = request.headers_mut();
    headers.insert("content-length", "99999999999".parse().unwrap());
    headers.insert("expect", "100-continue".parse().unwrap());
    assert_eq!(ask(router(), request).await.problem().0, 413);
}

#[tokio::test]
async fn a_chunked_body_is_cut_at_the_limit() {
    let chunk = Bytes::from(vec![b' '; 64 * 1024]);
    let endless = stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone()));
    let answer = ask(router(), post("/", Body::from_stream(endless))).await;
    assert_eq!(answer.problem(), (413, "body_too_large".to_owned(), None));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let some = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
    let body = some.chain(stream::pending());
    let started = tokio::time::Instant::now();
    let answer = ask(router(), post("/", Body::from_stream(body))).await;
    assert_eq!(answer.problem(), (408, "body_timeout".to_owned(), None));
    assert_eq!(
        started.elapsed().as_secs(),
        Duration::from_secs(20).as_secs()
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let body = stream::iter([Ok(Bytes::from_static(b"{")), Err("reset")]);
    let answer = ask(router(), post("/", Body::from_stream(body))).await;
    assert_eq!(answer.problem(), (400, "body_incomplete".to_owned(), None));
}

#[tokio::test]
async fn nothing_huge_is_repeated() {
    let huge = "x".repeat(1_000_000);
    for body in [
        format!(r#"{{"names": "{huge}"}}"#),
        format!(r#"{{"{huge}": 1}}"#),
        format!(r#"{{"names": [], "size": {{"{huge}": 1}}}}"#),
        format!(r#""{huge}""#),
    ] {
        let answer = ask(router(), post("/", body)).await;
        assert_eq!(answer.problem().1, "invalid_body");
        assert!(answer.bytes.len() < 2_000);
        assert!(answer.detail().contains("expected"));
    }
}

#[tokio::test]
async fn a_body_holds_what_came_of_it_and_gives_it_back() {
    let memory = InFlight::new(512 * 1024);
    let in_flight = memory.of(&"acme".parse().unwrap());
    let router = router_with(memory);
    // What is declared and does not come holds nothing.
    let mut stalled = post(
        "/",
        Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()),
    );
    let headers = stalled.headers_mut();
    headers.insert("content-length", "5000000".parse().unwrap());
    let stalled = tokio::spawn(ask(router.clone(), stalled));
    let of = |length: usize| format!(r#"{{"names": ["{}"]}}"#, "x".repeat(length));
    assert_eq!(
        ask(router.clone(), post("/", of(200 * 1024))).await.status,
        200
    );
    let refused = ask(router.clone(), post("/", of(300 * 1024))).await;
    assert_eq!(refused.problem(), (503, "busy".to_owned(), None));
    assert_eq!(refused.headers["retry-after"], "5");
    assert!(in_flight.try_hold(in_flight.bytes()).is_ok());
    stalled.abort();
}
