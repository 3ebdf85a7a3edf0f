//! The shipped profiles, each against a stub that answers in the shapes which its vendor documents. The
//! sources are named in `operations.toml`.

mod at_once;
mod by_and_by;
mod refusals;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

use crate::stub::{Received, Stub};

/// A vendor that gives these answers, one after the other, and the last again and again. `BASE` in
/// them is the vendor itself.
async fn scripted(answers: Vec<Scripted>) -> Stub {
    let asked = Arc::new(AtomicUsize::new(0));
    let answers = Arc::new(answers);
    Stub::start(move |received: &Received| {
        let at = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        answers[at].response(received.header("host").unwrap())
    })
    .await
}

/// One answer of a script.
#[derive(Clone)]
struct Scripted {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Json(Value),
    Bytes(&'static [u8]),
}

impl Scripted {
    fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    fn bytes(status: u16, body: &'static [u8]) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Bytes(body),
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn response(&self, host: &str) -> Response {
        let base = format!("http://{host}");
        let mut response = match &self.body {
            Body::Json(json) => {
                let text = json.to_string().replace("BASE", &base);
                Json(serde_json::from_str::<Value>(&text).unwrap()).into_response()
            }
            Body::Bytes(bytes) => bytes.into_response(),
        };
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in &self.headers {
            let value = value.replace("BASE", &base).parse().unwrap();
            response.headers_mut().insert(*name, value);
        }
        response
    }
}
