//! The stub vendor, and operations that call it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use assetmill_core::{Asset, Operation, OperationError, Product};
use assetmill_fetch::{AllowList, GuardedClient};
use assetmill_images::{Bounds, Codecs};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const KEY: &str = "sk-very/secret";
pub(crate) const SOURCE: &str = "https://source.test/a%20b.jpg?v=1&w=2";
pub(crate) const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0and so on";
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on";

const SHIPPED: &str = include_str!("../../../../operations.toml");

/// A request that the stub got.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// The path and the query, as they were sent.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// One part of a multipart body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content: Vec<u8>,
}

/// A vendor on a port of its own.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) async fn parts(&self) -> Vec<Part> {
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.headers_mut() = self.headers.clone();
        let mut multipart = Multipart::from_request(request, &()).await.unwrap();
        let mut parts = Vec::new();
        while let Some(field) = multipart.next_field().await.unwrap() {
            parts.push(Part {
                name: field.name().unwrap().to_owned(),
                file_name: field.file_name().map(str::to_owned),
                content_type: field.content_type().map(str::to_owned),
                content: field.bytes().await.unwrap().to_vec(),
            });
        }
        parts
    }
}

impl Stub {
    /// A vendor that answers each request so.
    pub(crate) async fn start<A, R>(answer: A) -> Self
    where
        A: Fn(&Received) -> R + Clone + Send + Sync + 'static,
        R: IntoResponse,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = received.clone();
        let handler = async move |request: Request| -> Response {
            let (parts, body) = request.into_parts();
            let one = Received {
                method: parts.method.to_string(),
                target: parts.uri.to_string(),
                headers: parts.headers,
                body: to_bytes(body, usize::MAX).await.unwrap(),
            };
            log.lock().unwrap().push(one.clone());
            answer(&one).into_response()
        };
        let router = Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, received }
    }

    /// Every request so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The one request that was made.
    pub(crate) fn only_request(&self) -> Received {
        let received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.into_iter().next().unwrap()
    }

    /// The shipped remove.bg operation, calling this stub.
    pub(crate) fn remove_bg(&self) -> Arc<dyn Operation> {
        self.shipped("remove-background")
    }

    /// A shipped operation, calling this stub.
    pub(crate) fn shipped(&self, name: &str) -> Arc<dyn Operation> {
        operation(name, &shipped_for(self.address), self.address)
    }

    /// An operation with this vendor table, calling this stub.
    pub(crate) fn vendor(&self, vendor: &str) -> Arc<dyn Operation> {
        vendor_at(self.address, vendor)
    }
}

/// The shipped catalogue with every vendor somewhere else.
pub(crate) fn shipped_for(address: SocketAddr) -> String {
    let mut text = String::new();
    for line in SHIPPED.lines() {
        let moved = match line.split_once("url = \"https://") {
            Some((before, after)) if !line.starts_with('#') => {
                let (_, path) = after.split_once('/').unwrap();
                format!("{before}url = \"http://{address}/{path}")
            }
            _ => line.to_owned(),
        };
        text.push_str(&moved);
        text.push('\n');
    }
    text
}

/// An operation with this vendor table, in which `BASE` is the vendor's URL.
pub(crate) fn vendor_at(address: SocketAddr, vendor: &str) -> Arc<dyn Operation> {
    let vendor = vendor.replace("BASE", &format!("http://{address}"));
    let text = format!("default = \"v\"\n[operations.v]\nsummary = \"Something\"\n{vendor}\n");
    operation("v", &text, address)
}

/// An operation of a catalogue, allowed to reach this address alone.
pub(crate) fn operation(name: &str, text: &str, allowed: SocketAddr) -> Arc<dyn Operation> {
    let client = GuardedClient::new(AllowList::default().with(allowed)).unwrap();
    operation_through(&client, name, text)
}

/// An operation of a catalogue that makes its requests through this client.
pub(crate) fn operation_through(
    client: &GuardedClient,
    name: &str,
    text: &str,
) -> Arc<dyn Operation> {
    let catalogue = assetmill_catalogue::load(
        text,
        "test.toml",
        client,
        &Codecs::in_process(Bounds::default()),
        &secret,
    );
    match catalogue {
        Ok(catalogue) => catalogue.get(name).unwrap().clone(),
        Err(error) => panic!("{error}"),
    }
}

/// Every secret is the same, but those of which the value matters; nothing runs on Lambda.
fn secret(name: &str) -> Option<String> {
    match name {
        "IMGPROXY_KEY" | "IMGPROXY_SALT" => Some("736563726574".to_owned()),
        name if name.starts_with("AWS_") || name.starts_with("ASSETMILL_") => None,
        _ => Some(KEY.to_owned()),
    }
}

/// Runs an operation on a JPEG, without parameters.
pub(crate) async fn run(operation: &Arc<dyn Operation>) -> Result<Product, OperationError> {
    run_with(operation, JPEG, json!({})).await
}

/// Runs an operation on this content with these parameters.
pub(crate) async fn run_with(
    operation: &Arc<dyn Operation>,
    content: &'static [u8],
    params: Value,
) -> Result<Product, OperationError> {
    let schema = &operation.description().params;
    let params = schema.accept(params.as_object().unwrap()).unwrap();
    let asset = Asset {
        url: SOURCE.parse().unwrap(),
        content: Bytes::from_static(content),
    };
    operation
        .run(&"acme".parse().unwrap(), asset, &params)
        .await
}
