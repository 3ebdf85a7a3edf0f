//! What every request passes through.
#![allow(clippy::panic, reason = "one route is there to crash")]
#![allow(clippy::unwrap_used)]

mod support;

use assetmill_api::query::{FromQuery, Query, QueryParams};
use assetmill_api::{ErrorCode, PathId, Problem, layers};
use assetmill_core::FlowId;
use axum::Router;
use axum::body::Body;
use axum::routing::{get as on_get, post as on_post};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use support::{ask, get, post};

struct Limit(usize);

impl FromQuery for Limit {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        params.take_limit(20, 100).map(Self)
    }
}

fn router() -> Router {
    let router = Router::new()
        .route(
            "/flows/{id}",
            on_get(async |PathId(id): PathId<FlowId>| id.to_string()),
        )
        .route(
            "/list",
            on_get(async |Query(Limit(limit)): Query<Limit>| limit.to_string()),
        )
        .route("/start", on_post(async || "started"))
        .route("/wordless", on_get(async || StatusCode::NOT_FOUND))
        .route(
            "/beyond",
            on_get(async || {
                let size = [("content-range", "bytes */5")];
                (StatusCode::RANGE_NOT_SATISFIABLE, size)
            }),
        )
        .route(
            "/crash",
            on_get(async || -> &'static str { panic!("hunter2") }),
        );
    layers::around(router)
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let answer = ask(router(), get("/nowhere")).await;
    assert_eq!(answer.problem(), (404, "unknown_path".to_owned(), None));
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_and_names_the_right_ones() {
    let answer = ask(router(), get("/start")).await;
    assert_eq!(
        answer.problem(),
        (405, "method_not_allowed".to_owned(), None)
    );
    assert_eq!(answer.headers["allow"], "POST");
    let answer = ask(router(), post("/list", "")).await;
    assert_eq!(answer.headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn a_crash_is_a_problem_that_tells_nothing() {
    let answer = ask(router(), get("/crash")).await;
    assert_eq!(answer.problem(), (500, "internal".to_owned(), None));
    assert!(!answer.detail().contains("hunter2"));
    assert!(answer.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_request_id_comes_back() {
    let mut request = get("/list");
    request
        .headers_mut()
        .insert("x-request-id", "abc-123".parse().unwrap());
    assert_eq!(
        ask(router(), request).await.headers["x-request-id"],
        "abc-123"
    );
}

#[tokio::test]
async fn a_request_without_an_id_or_with_an_unfit_one_gets_one() {
    for unfit in ["", "with space", &"x".repeat(129)] {
        let mut request = get("/list");
        let id = unfit.parse().unwrap();
        request.headers_mut().insert("x-request-id", id);
        let answer = ask(router(), request).await;
        assert_eq!(answer.headers["x-request-id"].len(), 36, "{unfit}");
    }
    assert_eq!(
        ask(router(), get("/list")).await.headers["x-request-id"].len(),
        36
    );
}

#[tokio::test]
async fn no_answer_may_be_sniffed() {
    for path in ["/list", "/nowhere", "/start", "/crash"] {
        let answer = ask(router(), get(path)).await;
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_id_in_the_path_has_one_spelling() {
    let id = FlowId::generate().to_string();
    assert_eq!(ask(router(), get(&format!("/flows/{id}"))).await.bytes, id);
    for wrong in ["1", "%FF", "%20", &id.replace('-', ""), &format!("{id}x")] {
        let answer = ask(router(), get(&format!("/flows/{wrong}"))).await;
        let expected = (400, "invalid_flow_id".to_owned(), None);
        assert_eq!(answer.problem(), expected, "{wrong}");
    }
}

#[tokio::test]
async fn query_parameters_are_known_and_in_range() {
    assert_eq!(ask(router(), get("/list")).await.bytes, "20");
    assert_eq!(ask(router(), get("/list?limit=100")).await.bytes, "100");
    for (query, named) in [
        ("limit=0", "limit must be a whole number from 1 to 100"),
        ("limit=101", "limit must be"),
        ("limit=-1", "limit must be"),
        ("limit=", "limit must be"),
        ("limit=ten", "limit must be"),
        ("limit=1&limit=2", "limit is given twice"),
        ("lmit=1", "lmit is unknown"),
        ("limit=1&x%26y=1", "x&y is unknown"),
    ] {
        let answer = ask(router(), get(&format!("/list?{query}"))).await;
        assert_eq!(answer.problem(), (400, "invalid_query".to_owned(), None));
        assert!(
            answer.detail().contains(named),
            "{query}: {}",
            answer.detail()
        );
    }
}

#[tokio::test]
async fn an_error_without_words_gets_some() {
    let answer = ask(router(), get("/wordless")).await;
    assert_eq!(answer.problem(), (404, "unknown_path".to_owned(), None));
    let answer = ask(router(), get("/beyond")).await;
    let expected = (416, "range_not_satisfiable".to_owned(), None);
    assert_eq!(answer.problem(), expected);
    assert_eq!(answer.headers["content-range"], "bytes */5");
}

#[tokio::test]
async fn a_gate_keeps_from_every_path() {
    let gate = |_: &http::request::Parts| Err(Problem::new(ErrorCode::UnknownHost, "not here"));
    let open = Router::new().route("/start", on_post(async || "started"));
    let router = layers::around_with(open, gate);
    for request in [post("/start", ""), get("/start"), get("/nowhere")] {
        let answer = ask(router.clone(), request).await;
        assert_eq!(answer.problem(), (421, "unknown_host".to_owned(), None));
        assert!(answer.headers.contains_key("x-request-id"));
    }
}

/// Bodies of three chunks: how many of them are read in the end.
async fn chunks_read(path: &str, headers: &[(&'static str, &'static str)]) -> usize {
    let (read, chunks) = std::sync::mpsc::channel();
    let body = stream::iter(0..3).map(move |chunk| {
        read.send(chunk).unwrap();
        Ok::<_, std::convert::Infallible>(Bytes::from_static(b"chunk"))
    });
    let mut request = post(path, Body::from_stream(body));
    for (name, value) in headers {
        let value = value.parse().unwrap();
        request.headers_mut().insert(*name, value);
    }
    ask(router(), request).await;
    chunks.into_iter().count()
}

/// Nobody reads an answer while his own words are not taken.
#[tokio::test]
async fn a_body_is_read_to_its_end_whatever_the_answer() {
    for path in ["/start", "/nowhere", "/list", "/crash"] {
        assert_eq!(chunks_read(path, &[]).await, 3, "{path}");
        let asks_first = [("expect", "100-continue")];
        assert_eq!(chunks_read(path, &asks_first).await, 0, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_without_an_end_keeps_no_answer() {
    let chunk = Bytes::from(vec![b' '; 1 << 20]);
    let endless = stream::repeat_with(move || Ok::<_, std::convert::Infallible>(chunk.clone()));
    let answer = ask(router(), post("/nowhere", Body::from_stream(endless))).await;
    assert_eq!(answer.status, 404);
    let silent = stream::pending::<Result<Bytes, std::convert::Infallible>>();
    let answer = ask(router(), post("/nowhere", Body::from_stream(silent))).await;
    assert_eq!(answer.status, 404);
}
