//! Where assets come from: photographs, pictures that cost, and what is merely large; and a vendor.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;

use crate::pictures;

const PHOTOGRAPH: &[u8] = include_bytes!("../../samples/coffee.jpg");

/// How large an asset is that is no picture.
const BULK: usize = 8_000_000;

/// The pictures of the attack, by name.
pub(crate) const DEAR: &[&str] = &[
    "strip.png",
    "scans.jpg",
    "frame.gif",
    "screen.gif",
    "claims.png",
    "tiny.png",
    "deep.png",
    "large.jpg",
];

fn dear() -> Vec<Bytes> {
    vec![
        pictures::png(1, 60_000, 0, 8).into(),
        pictures::jpeg_of_scans(10_000, 20_000).into(),
        pictures::gif((1, 1), (65_535, 65_535)).into(),
        pictures::gif((0, 0), (1, 1)).into(),
        pictures::png_of(7000, 7000, 2, 8, &[0; 32]).into(),
        pictures::png(2, 2, 0, 8).into(),
        pictures::png_of(9000, 9000, 6, 16, &[0; 32]).into(),
        large(),
    ]
}

/// The photograph, so large that it is honestly dear, and let through.
fn large() -> Bytes {
    let photograph = image::load_from_memory(PHOTOGRAPH).unwrap();
    let large = photograph.resize_exact(3000, 2000, image::imageops::FilterType::Triangle);
    let mut content = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut content);
    large.into_rgb8().write_with_encoder(encoder).unwrap();
    content.into()
}

/// Serves it; where.
pub(crate) async fn serve() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/photo/{number}", get(|| async { PHOTOGRAPH }))
        .route("/dear/{name}", get(picture))
        .route("/bulk/{number}", get(bulk))
        .route("/echo", post(twice))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(dear()));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Another for each number.
async fn bulk(Path(number): Path<u64>) -> Vec<u8> {
    let mut content = vec![b'.'; BULK];
    content[..8].copy_from_slice(&number.to_le_bytes());
    content
}

/// A vendor whose answers are larger than what was set aside with the asset.
async fn twice(asset: Bytes) -> Vec<u8> {
    [&asset[..], &asset[..]].concat()
}

/// One that never answers is another host: whoever asks it has no turns left there.
pub(crate) async fn serve_silent() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/{*any}", get(std::future::pending::<()>));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// One that sends everybody away is another host.
pub(crate) async fn serve_refusing() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let refuse = || async { (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "0")]) };
    let router = Router::new().route("/{*any}", get(refuse));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn picture(State(dear): State<Arc<Vec<Bytes>>>, Path(name): Path<String>) -> Response {
    let place = DEAR.iter().position(|it| *it == name);
    match place {
        Some(place) => dear[place].clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
