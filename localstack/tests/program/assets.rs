//! A host of assets on a free port: photographs, and files that lie.

use std::collections::HashMap;
use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures_util::stream;
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};

/// What is to happen when a path is asked for.
type Acts = HashMap<&'static str, fn()>;

/// A host of assets.
#[derive(Clone, Default)]
pub(crate) struct Assets {
    address: Option<SocketAddr>,
    asked: Arc<Mutex<HashMap<String, u32>>>,
    acts: Arc<Mutex<Acts>>,
    has_recovered: Arc<AtomicBool>,
    hanging: Arc<AtomicUsize>,
    most_hanging: Arc<AtomicUsize>,
}

impl Assets {
    pub(crate) async fn serve() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let assets = Self {
            address: Some(listener.local_addr().unwrap()),
            ..Self::default()
        };
        let router = Router::new()
            .route("/photo/{number}", get(photo))
            .route("/slow/{number}", get(slow))
            .route("/flaky/{number}", get(flaky))
            .route("/throttled/{number}", get(throttled))
            .route("/busy/{number}", get(busy))
            .route("/hang/{number}", get(hang))
            .route("/patience/{number}", get(patience))
            .route("/status/{status}", get(status))
            .route("/lie/{kind}", get(lie))
            .route("/fatal/{name}", get(fatal))
            .route("/noise", get(noise))
            .route("/samples/coffee.jpg", get(|| async { as_jpeg(jpeg(7)) }))
            .with_state(assets.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        assets
    }

    /// `--fetch-allow` for this host.
    pub(crate) fn allow(&self) -> String {
        self.address.unwrap().to_string()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address.unwrap())
    }

    /// The body of a request for these paths.
    pub(crate) fn body(&self, paths: impl IntoIterator<Item = String>) -> Value {
        let urls: Vec<_> = paths.into_iter().map(|path| self.url(&path)).collect();
        json!({ "digital_asset_urls": urls })
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> u32 {
        let asked = self.asked.lock().unwrap();
        asked.get(path).copied().unwrap_or_default()
    }

    /// How often any path of this beginning was asked for.
    pub(crate) fn asked_in_all(&self, beginning: &str) -> u32 {
        let asked = self.asked.lock().unwrap();
        let those = asked.iter().filter(|(path, _)| path.starts_with(beginning));
        those.map(|(_, times)| times).sum()
    }

    /// From now on `/busy/` is served.
    pub(crate) fn recover(&self) {
        self.has_recovered.store(true, Ordering::SeqCst);
    }

    /// The most requests for `/hang/` at the same time.
    pub(crate) fn most_hanging(&self) -> usize {
        self.most_hanging.load(Ordering::SeqCst)
    }

    /// What is to happen whenever this path is asked for.
    #[allow(dead_code, reason = "workers that are functions are killed so")]
    pub(crate) fn when_asked(&self, path: &'static str, act: fn()) {
        self.acts.lock().unwrap().insert(path, act);
    }

    fn ask(&self, path: String) -> u32 {
        let mut asked = self.asked.lock().unwrap();
        let times = asked.entry(path).or_default();
        *times += 1;
        *times
    }
}

/// A photograph of its own for each number: 400 by 300.
pub(crate) fn jpeg(number: u32) -> Vec<u8> {
    let [_, red, green, blue] = number.wrapping_mul(2_654_435_761).to_be_bytes();
    let picture = RgbImage::from_fn(400, 300, |x, y| {
        let shade = u8::try_from((x + y) % 128).unwrap();
        image::Rgb([red / 2 + shade, green / 2 + shade, blue / 2 + shade])
    });
    let mut content = Cursor::new(Vec::new());
    picture.write_to(&mut content, ImageFormat::Jpeg).unwrap();
    content.into_inner()
}

fn as_jpeg(content: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "image/jpeg")], content).into_response()
}

async fn photo(State(assets): State<Assets>, Path(number): Path<u32>) -> Response {
    assets.ask(format!("/photo/{number}"));
    as_jpeg(jpeg(number))
}

/// A host that takes its time, so that many flows are in flight.
async fn slow(Path(number): Path<u32>) -> Response {
    tokio::time::sleep(Duration::from_millis(30)).await;
    as_jpeg(jpeg(number))
}

/// Something happens, and there is no answer; `once` answers from the second time on.
async fn fatal(State(assets): State<Assets>, Path(name): Path<String>) -> Response {
    let path = format!("/fatal/{name}");
    if assets.ask(path.clone()) > 1 && name.starts_with("once") {
        return as_jpeg(jpeg(1));
    }
    let act = assets.acts.lock().unwrap().get(path.as_str()).copied();
    if let Some(act) = act {
        act();
    }
    std::future::pending().await
}

async fn noise() -> Response {
    ([(CONTENT_TYPE, "image/png")], noisy()).into_response()
}

/// A picture that no format makes small, of some 7 MB: 1600 by 1600 in random colours.
pub(crate) fn noisy() -> Vec<u8> {
    let mut state = 1_u32;
    let picture = RgbImage::from_fn(1600, 1600, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [red, green, blue, _] = state.to_be_bytes();
        image::Rgb([red, green, blue])
    });
    let mut content = Cursor::new(Vec::new());
    picture.write_to(&mut content, ImageFormat::Png).unwrap();
    content.into_inner()
}

/// Out of order for the first two requests.
async fn flaky(State(assets): State<Assets>, Path(number): Path<u32>) -> Response {
    match assets.ask(format!("/flaky/{number}")) {
        1 | 2 => StatusCode::BAD_GATEWAY.into_response(),
        _ => as_jpeg(jpeg(number)),
    }
}

/// Asks for a second's patience at the first request.
async fn throttled(State(assets): State<Assets>, Path(number): Path<u32>) -> Response {
    match assets.ask(format!("/throttled/{number}")) {
        1 => (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")]).into_response(),
        _ => as_jpeg(jpeg(number)),
    }
}

/// Refuses everybody until the host recovers, and lets them come back at once.
async fn busy(State(assets): State<Assets>, Path(number): Path<u32>) -> Response {
    assets.ask(format!("/busy/{number}"));
    if assets.has_recovered.load(Ordering::SeqCst) {
        return as_jpeg(jpeg(number));
    }
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "0")]).into_response()
}

/// Asks for five minutes' patience.
async fn patience(State(assets): State<Assets>, Path(number): Path<u32>) -> Response {
    assets.ask(format!("/patience/{number}"));
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "300")]).into_response()
}

/// Keeps everybody waiting.
async fn hang(State(assets): State<Assets>) -> Response {
    struct Hanging(Arc<AtomicUsize>);
    impl Drop for Hanging {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let now = assets.hanging.fetch_add(1, Ordering::SeqCst) + 1;
    let _hanging = Hanging(assets.hanging.clone());
    assets.most_hanging.fetch_max(now, Ordering::SeqCst);
    std::future::pending().await
}

async fn status(State(assets): State<Assets>, Path(status): Path<u16>) -> Response {
    assets.ask(format!("/status/{status}"));
    StatusCode::from_u16(status).unwrap().into_response()
}

async fn lie(Path(kind): Path<String>) -> Response {
    let whole = jpeg(1);
    match kind.as_str() {
        "html" => as_jpeg(b"<!doctype html><title>Not found</title>".to_vec()),
        "empty" => as_jpeg(Vec::new()),
        "truncated" => as_jpeg(whole[..whole.len() / 2].to_vec()),
        "broken-off" => broken_off(&whole),
        "large" => as_jpeg(vec![0xff; 3 << 20]),
        "endless" => endless(),
        "bomb" => as_jpeg(bomb()),
        "metadata" => {
            Redirect::temporary("http://169.254.169.254/latest/meta-data").into_response()
        }
        "loop" => Redirect::temporary("/lie/loop").into_response(),
        "as-text" => ([(CONTENT_TYPE, "text/plain")], whole).into_response(),
        other => panic!("no such lie: {other}"),
    }
}

/// Says that there is more than it sends.
fn broken_off(whole: &[u8]) -> Response {
    let half = Bytes::copy_from_slice(&whole[..whole.len() / 2]);
    let parts = [Ok(half), Err(std::io::Error::other("broken off"))];
    let body = Body::from_stream(stream::iter(parts));
    ([(CONTENT_LENGTH, whole.len().to_string())], body).into_response()
}

fn endless() -> Response {
    let zeros = Bytes::from(vec![0; 65_536]);
    let zeros = stream::repeat_with(move || Ok::<_, std::io::Error>(zeros.clone()));
    Body::from_stream(zeros).into_response()
}

/// A PNG of 60,000 by 60,000 pixels in a few dozen bytes: 10.8 GB once decoded.
fn bomb() -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(60_000_u32.to_be_bytes());
    header.extend(60_000_u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, b"IDATx".to_vec(), b"IEND".to_vec()] {
        png.extend(u32::try_from(chunk.len() - 4).unwrap().to_be_bytes());
        png.extend(&chunk);
        png.extend(crc32(&chunk).to_be_bytes());
    }
    png
}

/// The check of a PNG chunk (PNG, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}
