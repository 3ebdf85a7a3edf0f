//! Bad input: a 4xx with a stable code, a pointer to what is wrong, and the next request answered.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Program;

struct Bad {
    method: Method,
    path: &'static str,
    media_type: Option<&'static str>,
    body: String,
    status: u16,
    code: &'static str,
    pointer: Option<&'static str>,
}

fn bad(path: &'static str, body: &Value, status: u16, code: &'static str) -> Bad {
    raw(path, body.to_string(), status, code)
}

fn raw(path: &'static str, body: String, status: u16, code: &'static str) -> Bad {
    Bad {
        method: Method::POST,
        path,
        media_type: Some("application/json"),
        body,
        status,
        code,
        pointer: None,
    }
}

fn get(path: &'static str, status: u16, code: &'static str) -> Bad {
    Bad {
        method: Method::GET,
        media_type: None,
        ..raw(path, String::new(), status, code)
    }
}

impl Bad {
    fn at(mut self, pointer: &'static str) -> Self {
        self.pointer = Some(pointer);
        self
    }
}

const ONE: &str = "/api/v1/transform";
const MANY: &str = "/api/v1/transforms";
const BATCH: &str = "/api/v2/transforms";
const RESULTS: &str = "/api/v2/transforms/results";
const URL: &str = "https://example.com/a.jpg";

fn shapes() -> Vec<Bad> {
    vec![
        raw(
            ONE,
            "{\"digital_asset_url\": ".to_owned(),
            400,
            "malformed_json",
        ),
        raw(BATCH, "not json".to_owned(), 400, "malformed_json"),
        raw(BATCH, String::new(), 400, "malformed_json"),
        bad(ONE, &json!([]), 422, "invalid_body").at(""),
        bad(ONE, &json!({}), 422, "invalid_body").at("/digital_asset_url"),
        bad(ONE, &json!({ "digital_asset_url": 5 }), 422, "invalid_body").at("/digital_asset_url"),
        bad(
            BATCH,
            &json!({ "digital_asset_urls": URL }),
            422,
            "invalid_body",
        )
        .at("/digital_asset_urls"),
        bad(
            BATCH,
            &json!({ "digital_asset_urls": [URL, 7] }),
            422,
            "invalid_body",
        )
        .at("/digital_asset_urls/1"),
        bad(
            BATCH,
            &json!({ "digital_asset_urls": [URL], "colour": "red" }),
            422,
            "invalid_body",
        )
        .at("/colour"),
        bad(
            BATCH,
            &json!({ "digital_asset_urls": [] }),
            422,
            "empty_list",
        )
        .at("/digital_asset_urls"),
        bad(
            MANY,
            &json!({ "digital_asset_urls": vec![URL; 10_001] }),
            422,
            "too_many_urls",
        )
        .at("/digital_asset_urls"),
    ]
}

fn urls_and_params() -> Vec<Bad> {
    let with_params = |params: Value| json!({ "digital_asset_urls": [URL], "params": params });
    let of = |url: &str| json!({ "digital_asset_url": url });
    vec![
        bad(ONE, &of("a.jpg"), 422, "invalid_url").at("/digital_asset_url"),
        bad(
            BATCH,
            &json!({ "digital_asset_urls": [URL, "a.jpg"] }),
            422,
            "invalid_url",
        )
        .at("/digital_asset_urls/1"),
        bad(ONE, &of("ftp://example.com/a"), 422, "unsupported_scheme").at("/digital_asset_url"),
        bad(ONE, &of("file:///etc/passwd"), 422, "unsupported_scheme").at("/digital_asset_url"),
        bad(
            ONE,
            &of("https://u:p@example.com/"),
            422,
            "credentials_in_url",
        )
        .at("/digital_asset_url"),
        bad(
            BATCH,
            &json!({ "digital_asset_urls": ["ftp://a/b"] }),
            422,
            "unsupported_scheme",
        )
        .at("/digital_asset_urls/0"),
        bad(
            BATCH,
            &json!({ "digital_asset_urls": [URL], "operation": "shrink" }),
            422,
            "unknown_operation",
        )
        .at("/operation"),
        bad(
            BATCH,
            &with_params(json!({ "width": 0 })),
            422,
            "invalid_params",
        )
        .at("/params/width"),
        bad(
            BATCH,
            &with_params(json!({ "width": "wide" })),
            422,
            "invalid_params",
        )
        .at("/params/width"),
        bad(
            BATCH,
            &with_params(json!({ "depth": 1 })),
            422,
            "invalid_params",
        )
        .at("/params/depth"),
        bad(BATCH, &with_params(json!([])), 422, "invalid_body").at("/params"),
        raw(BATCH, " ".repeat(6 << 20), 413, "body_too_large"),
    ]
}

fn other_bodies() -> Vec<Bad> {
    vec![
        bad(RESULTS, &json!([]), 422, "empty_list").at(""),
        bad(RESULTS, &json!(["nonsense"]), 422, "invalid_flow_id").at("/0"),
        bad(
            RESULTS,
            &json!({ "flow_ids": ["nonsense"] }),
            422,
            "invalid_flow_id",
        )
        .at("/flow_ids/0"),
        bad(RESULTS, &json!({ "ids": [] }), 422, "invalid_body").at("/ids"),
        Bad {
            media_type: Some("text/plain"),
            ..bad(
                BATCH,
                &json!({ "digital_asset_urls": [URL] }),
                415,
                "unsupported_content_type",
            )
        },
        Bad {
            media_type: None,
            ..bad(
                BATCH,
                &json!({ "digital_asset_urls": [URL] }),
                415,
                "unsupported_content_type",
            )
        },
    ]
}

fn paths() -> Vec<Bad> {
    vec![
        get(
            "/api/v2/transforms/01890a5d-ac96-774b-bcce-b302099a8057",
            404,
            "flow_not_found",
        ),
        get("/api/v2/transforms/nonsense", 400, "invalid_flow_id"),
        get(
            "/api/v2/batches/01890a5d-ac96-774b-bcce-b302099a8057",
            404,
            "batch_not_found",
        ),
        get("/api/v2/batches/nonsense", 400, "invalid_batch_id"),
        get("/api/v2/batches?limit=0", 400, "invalid_query"),
        get("/api/v2/batches?colour=red", 400, "invalid_query"),
        get("/no/such/path", 404, "unknown_path"),
        get("/api/v1/transform", 405, "method_not_allowed"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_refused_with_its_code() {
    let program = Program::start(&[]).await;
    let all = [shapes(), urls_and_params(), other_bodies(), paths()];
    for bad in all.into_iter().flatten() {
        let mut request = program
            .request(bad.method.clone(), bad.path)
            .body(bad.body.clone());
        if let Some(media_type) = bad.media_type {
            request = request.header("content-type", media_type);
        }
        let answer = request.send().await.unwrap();
        let shown: String = bad.body.chars().take(100).collect();
        let called = format!("{} {} {shown}", bad.method, bad.path);
        assert_eq!(answer.status().as_u16(), bad.status, "{called}");
        let media_type = answer.headers()["content-type"].to_str().unwrap();
        assert_eq!(media_type, "application/problem+json", "{called}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], bad.code, "{called}: {problem}");
        assert_eq!(problem["status"], bad.status, "{called}: {problem}");
        assert_eq!(
            problem["pointer"].as_str(),
            bad.pointer,
            "{called}: {problem}"
        );
        assert!(
            problem["detail"].as_str().unwrap().len() > 10,
            "{called}: {problem}"
        );
    }
    let (status, _) = program.get_json("/health/ready").await;
    assert_eq!(status, StatusCode::OK);
    let (_, batches) = program.get_json("/api/v2/batches").await;
    assert_eq!(batches["batches"], json!([]), "something was started");
}
