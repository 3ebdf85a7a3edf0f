//! A service of AWS that answers what a test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use assetmill_aws::Clients;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// What a service answers to a request: a function of its body.
pub(crate) type Answer = fn(&Value) -> Response;

/// A service that gives these answers, one after the other, and the last one ever after.
#[derive(Clone)]
pub(crate) struct Service {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Service {
    pub(crate) async fn start(answers: &[Answer]) -> (Self, Clients) {
        let service = Self {
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
            asked: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = aws_smithy_http_client::Builder::new().build_http();
        let key = Credentials::from_keys("test", "test", None);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(format!("http://{address}"))
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(key))
            .http_client(http)
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .build();
        (service, Clients::new(&config))
    }

    pub(crate) fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(service): State<Service>, body: String) -> Response {
    let body: Value = serde_json::from_str(&body).unwrap();
    service.asked.lock().unwrap().push(body.clone());
    let answer = {
        let mut answers = service.answers.lock().unwrap();
        let next = answers[0];
        if answers.len() > 1 {
            answers.pop_front();
        }
        next
    };
    let answer = answer(&body);
    if answer.status() == StatusCode::REQUEST_TIMEOUT {
        std::future::pending::<()>().await;
    }
    answer
}

pub(crate) fn nothing(_: &Value) -> Response {
    "{}".into_response()
}

pub(crate) fn throttled(_: &Value) -> Response {
    let fault = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException" });
    (StatusCode::BAD_REQUEST, fault.to_string()).into_response()
}

pub(crate) fn broken(_: &Value) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response()
}

pub(crate) fn hanging(_: &Value) -> Response {
    StatusCode::REQUEST_TIMEOUT.into_response()
}
