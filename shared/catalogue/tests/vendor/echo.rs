//! Vendors that repeat what they were sent: in their messages, headers and URLs, in any spelling.

use std::fmt::Write as _;

use assetmill_vendors::transcript;
use axum::Json;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::json;

use crate::stub::{KEY, PNG, Received, Stub, run};

type Spelling = fn(&str) -> String;

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else if byte == b' ' {
            encoded.push('+');
        } else {
            let _ = write!(encoded, "%{byte:02x}");
        }
        encoded
    })
}

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "{byte:02x}");
        encoded
    })
}

const SPELLINGS: &[(&str, Spelling)] = &[
    ("as it is", str::to_owned),
    ("quoted", |text| format!("{text:?}")),
    ("slashes escaped", |text| text.replace('/', "\\/")),
    ("\\u escaped", |text| {
        text.replace('/', "\\u002F").replace('-', "\\u002d")
    }),
    ("named entities", |text| {
        text.replace('/', "&sol;").replace('=', "&equals;")
    }),
    ("decimal entities", |text| {
        text.replace('/', "&#47;").replace('=', "&#061;")
    }),
    ("hexadecimal entities", |text| {
        text.replace('/', "&#x2F;").replace('-', "&#x2d;")
    }),
    ("in a URL", percent),
    ("in a URL, in capitals", |text| {
        percent(text).replace("%2f", "%2F").replace("%3d", "%3D")
    }),
    ("in a URL of a URL", |text| percent(&percent(text))),
    ("hexadecimal", hexadecimal),
    ("base64", |text| STANDARD.encode(text)),
    ("base64url", |text| URL_SAFE.encode(text)),
    ("base64 without padding", |text| {
        STANDARD_NO_PAD.encode(text)
    }),
    ("in longer base64", |text| {
        STANDARD.encode(format!("x{text}y"))
    }),
    ("in longer base64url", |text| {
        URL_SAFE_NO_PAD.encode(format!("xy{text}z"))
    }),
];

/// Everything that a caller could make a key of.
fn assert_hidden(shown: &str, how: &str) {
    let basic = STANDARD.encode(format!("shop:{KEY}"));
    for (_, spelling) in SPELLINGS {
        for secret in [KEY, &basic] {
            let spelt = spelling(secret);
            assert!(!shown.contains(&spelt), "{how}: {shown} shows {spelt}");
        }
    }
    assert!(!shown.contains("secret"), "{how}: {shown}");
}

const VENDOR: &str = r#"
    [operations.v.vendor]
    method = "POST"
    url = "BASE/do?key={env:KEY}"
    headers = { Authorization = "Basic {env:KEY|basic:shop}", X-Token = "{env:KEY|base64url}" }
    encoding = "json"
    asset = { as = "base64", field = "image" }
    result = { kind = "url", at = "/url" }
    error = { message = "/message" }
"#;

#[tokio::test]
async fn a_message_shows_nothing_that_was_sent_in_confidence() {
    for (how, spelling) in SPELLINGS {
        for header in ["authorization", "x-token"] {
            let stub = Stub::start(move |request: &Received| {
                let sent = request.header(header).unwrap();
                // A scheme is no secret, and a vendor may repeat what follows it alone.
                let value = sent.rsplit(' ').next().unwrap();
                let message = format!(
                    "bad {}, bad {}, bad {}",
                    spelling(sent),
                    spelling(value),
                    spelling(KEY)
                );
                let headers = [("x-echo", spelling(sent))];
                (
                    StatusCode::BAD_REQUEST,
                    headers,
                    Json(json!({ "message": message })),
                )
            })
            .await;
            let operation = stub.vendor(VENDOR);
            let (result, lines) = transcript::watch(run(&operation)).await;
            let message = result.unwrap_err().failure().message.clone();
            assert!(message.contains("bad "), "{how}: {message}");
            assert!(message.contains("***"), "{how}: {message}");
            assert_hidden(&message, how);
            assert_hidden(&lines.join("\n"), how);
        }
    }
}

#[tokio::test]
async fn the_url_of_a_result_shows_nothing_that_was_sent_in_confidence() {
    for (how, spelling) in SPELLINGS {
        let stub = Stub::start(move |request: &Received| {
            if request.method == "GET" {
                return PNG.into_response();
            }
            let host = request.header("host").unwrap();
            let path = spelling(KEY).replace(['&', '#', '\\', '"'], "");
            Json(json!({ "url": format!("http://{host}/{path}/made.png") })).into_response()
        })
        .await;
        let operation = stub.vendor(VENDOR);
        let (result, lines) = transcript::watch(run(&operation)).await;
        result.unwrap();
        let shown = lines.join("\n");
        assert!(shown.contains("/made.png"), "{how}: {shown}");
        if !spelling(KEY).contains(['&', '\\']) {
            assert_hidden(&shown, how);
        }
    }
}

/// A signature is made of a key, and opens what was signed.
#[tokio::test]
async fn a_signature_is_shown_neither() {
    let stub = Stub::start(|request: &Received| {
        let signature = request.target.split('/').nth(1).unwrap().to_owned();
        let message = format!("{signature} is no signature of {}", request.target);
        (StatusCode::FORBIDDEN, Json(json!({ "message": message })))
    })
    .await;
    let operation = stub.vendor(
        r#"
        [operations.v.vendor]
        method = "GET"
        url = "BASE/{imgproxy:IMGPROXY_KEY,IMGPROXY_SALT}/rs:fit/{asset:url|base64url}"
        encoding = "none"
        asset = { as = "url" }
        result = { kind = "body" }
        error = { message = "/message" }
        "#,
    );
    let (result, lines) = transcript::watch(run(&operation)).await;
    let message = result.unwrap_err().failure().message.clone();
    let target = stub.only_request().target;
    let signature = target.split('/').nth(1).unwrap();
    assert!(
        message.contains("*** is no signature of /***/rs:fit"),
        "{message}"
    );
    assert!(!lines.join("\n").contains(signature), "{lines:?}");
}
