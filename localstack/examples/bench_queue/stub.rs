//! Where assets come from, and a vendor that answers after a while with what it was sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http::header::CONTENT_TYPE;

/// As large as a product photo.
const ASSET_BYTES: usize = 200_000;

/// The stub, and how often its vendor was called.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    pub(crate) calls: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Vendor {
    delay: Duration,
    calls: Arc<AtomicU64>,
}

/// A stub whose vendor takes so long.
pub(crate) async fn serve(delay: Duration) -> Stub {
    let calls = Arc::<AtomicU64>::default();
    let vendor = Vendor {
        delay,
        calls: calls.clone(),
    };
    let router = Router::new()
        .route("/assets/{name}", get(asset))
        .route("/vendor", post(work))
        .layer(DefaultBodyLimit::disable())
        .with_state(vendor);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Stub { address, calls }
}

/// Every name is another asset, so that no work is the same.
async fn asset(Path(name): Path<String>) -> impl IntoResponse {
    let mut content = vec![b'.'; ASSET_BYTES];
    content[..name.len()].copy_from_slice(name.as_bytes());
    ([(CONTENT_TYPE, "application/octet-stream")], content)
}

async fn work(State(vendor): State<Vendor>, body: Bytes) -> impl IntoResponse {
    vendor.calls.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(vendor.delay).await;
    (
        [(CONTENT_TYPE, "application/octet-stream")],
        Body::from(body),
    )
}
