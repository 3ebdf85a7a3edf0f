//! What goes over the wire, for whoever watches one run: `assetmill operation try`. Nobody else does,
//! and then nothing is written down.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use url::Url;

/// The most characters of a body that are shown.
const MAX_BODY_CHARS: usize = 2000;
/// The most characters of a URL or a header that are shown.
const MAX_LINE_CHARS: usize = 2000;

tokio::task_local! {
    static WATCHER: Watcher;
}

type Watcher = Arc<Mutex<Vec<String>>>;

/// Runs a future, and tells what it sent and got, in lines: requests begin with `>`, answers with `<`,
/// what vendors reported with `=`. Secrets are masked.
pub async fn watch<F: Future>(future: F) -> (F::Output, Vec<String>) {
    let watcher = Watcher::default();
    let output = WATCHER.scope(watcher.clone(), future).await;
    let lines = std::mem::take(&mut *watcher.lock().unwrap_or_else(PoisonError::into_inner));
    (output, lines)
}

fn note(lines: impl FnOnce() -> Vec<String>) {
    // Outside of a watched run there is nobody to tell.
    let _ = WATCHER.try_with(|watcher| {
        let mut all = watcher.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(lines());
    });
}

/// A request is about to be sent. `mask` masks a text and cuts it to so many characters.
pub(crate) fn sent(request: &reqwest::Request, mask: impl Fn(&str, usize) -> String) {
    note(|| {
        let mut lines = vec![format!(
            "> {} {}",
            request.method(),
            mask(request.url().as_str(), MAX_LINE_CHARS)
        )];
        lines.extend(fields('>', request.headers(), &mask));
        let body = request.body().map(|body| body.as_bytes());
        match body {
            None => {}
            Some(Some(body)) => lines.extend(content('>', request.headers(), body, &mask)),
            Some(None) => lines.push("> (a multipart body)".to_owned()),
        }
        lines
    });
}

/// An answer was read.
pub(crate) fn answered(
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
    mask: impl Fn(&str, usize) -> String,
) {
    note(|| {
        let mut lines = vec![format!("< {status}")];
        lines.extend(fields('<', headers, &mask));
        lines.extend(content('<', headers, body, &mask));
        lines
    });
}

/// A result was fetched from elsewhere. Its query may be its key.
pub(crate) fn fetched(url: &Url, bytes: usize, mask: impl Fn(&str, usize) -> String) {
    note(|| {
        let mut url = url.clone();
        url.set_query(None);
        vec![
            format!("> GET {}", mask(url.as_str(), MAX_LINE_CHARS)),
            format!("< ({bytes} bytes)"),
        ]
    });
}

/// A vendor reported something.
pub(crate) fn reported(what: &[(&str, String)]) {
    note(|| {
        what.iter()
            .map(|(name, text)| format!("= {name}: {text}"))
            .collect()
    });
}

fn fields(sign: char, headers: &HeaderMap, mask: &impl Fn(&str, usize) -> String) -> Vec<String> {
    headers
        .iter()
        .map(|(name, value)| {
            let text = if value.is_sensitive() {
                "***".to_owned()
            } else {
                mask(&String::from_utf8_lossy(value.as_bytes()), MAX_LINE_CHARS)
            };
            format!("{sign} {name}: {text}")
        })
        .collect()
}

fn content(
    sign: char,
    headers: &HeaderMap,
    body: &[u8],
    mask: &impl Fn(&str, usize) -> String,
) -> Vec<String> {
    let media_type = headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let readable = ["json", "text/", "x-www-form-urlencoded"];
    if body.is_empty() {
        return Vec::new();
    }
    if !readable.iter().any(|kind| media_type.contains(kind)) {
        return vec![format!("{sign} ({} bytes)", body.len())];
    }
    let shown = mask(&String::from_utf8_lossy(body), MAX_BODY_CHARS);
    vec![format!("{sign} {shown}")]
}
