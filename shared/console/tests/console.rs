//! The console is whole, small, and says of itself what browsers should hold it to.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use assetmill_console::{files, router};
use axum::body::Body;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderName, Request};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// The most that a first visit may load, compressed.
const MOST_GZIPPED: usize = 80_000;

async fn ask(path: &str, known: Option<&str>) -> Response {
    let mut request = Request::get(path);
    if let Some(known) = known {
        request = request.header(IF_NONE_MATCH, known);
    }
    let request = request.body(Body::empty()).unwrap();
    router().oneshot(request).await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &HeaderName) -> &'a str {
    answer.headers()[name].to_str().unwrap()
}

async fn text(answer: Response) -> String {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn gzipped(bytes: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().len()
}

/// The files below a folder that a browser would load.
fn loaded(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            loaded(&path, root, found);
            continue;
        }
        let extension = path.extension().and_then(|text| text.to_str());
        if matches!(extension, Some("js" | "css" | "html" | "svg")) {
            found.insert(
                path.strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
}

#[test]
fn every_file_is_embedded() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/static"));
    let mut there = BTreeSet::new();
    loaded(root, root, &mut there);
    let embedded: BTreeSet<String> = files().map(|file| file.name.to_owned()).collect();
    assert_eq!(there, embedded);
}

#[test]
fn a_first_visit_loads_little() {
    let size: usize = files().map(|file| gzipped(file.bytes)).sum();
    assert!(size <= MOST_GZIPPED, "{size} bytes gzipped");
}

#[test]
fn nothing_is_written_into_the_page_as_html() {
    for file in files().filter(|file| !file.name.starts_with("vendor/")) {
        let text = std::str::from_utf8(file.bytes).unwrap();
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!text.contains(way), "{} has {way}", file.name);
        }
    }
}

#[tokio::test]
async fn every_file_is_served_as_what_it_is() {
    for file in files() {
        let answer = ask(&format!("/console/{}", file.name), None).await;
        assert_eq!(answer.status(), 200, "{}", file.name);
        let extension = file.name.rsplit('.').next().unwrap();
        let expected = match extension {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "html" => "text/html; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(header(&answer, &CONTENT_TYPE), expected, "{}", file.name);
        assert_eq!(text(answer).await.as_bytes(), file.bytes);
    }
}

#[tokio::test]
async fn browsers_are_told_what_the_page_may_do() {
    for path in ["/console", "/console/", "/console/app.js"] {
        let answer = ask(path, None).await;
        let policy = header(&answer, &CONTENT_SECURITY_POLICY);
        for rule in [
            "default-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.split("; ").any(|it| it == rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    }
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    for path in ["/console", "/console/", "/console/style.css"] {
        let first = ask(path, None).await;
        assert_eq!(header(&first, &CACHE_CONTROL), "no-cache");
        let etag = header(&first, &ETAG).to_owned();
        for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}")] {
            let again = ask(path, Some(&known)).await;
            assert_eq!(again.status(), 304, "{path} {known}");
            assert_eq!(header(&again, &ETAG), etag);
            assert_eq!(text(again).await, "");
        }
        assert_eq!(ask(path, Some("\"another\"")).await.status(), 200);
    }
}

/// Wherever the page is mounted: from `…/console` and from `…/console/`, its files are in the same place.
#[tokio::test]
async fn links_are_relative_with_and_without_a_slash() {
    let bare = text(ask("/console", None).await).await;
    let folder = text(ask("/console/", None).await).await;
    assert!(bare.contains("src=\"console/app.js\""), "{bare}");
    assert!(folder.contains("src=\"./app.js\""), "{folder}");
    for page in [bare, folder] {
        assert!(!page.contains("=\"/") && !page.contains("://"), "{page}");
    }
}

#[tokio::test]
async fn there_is_nothing_else() {
    for path in [
        "/console/nowhere.js",
        "/console/../Cargo.toml",
        "/console/vendor/README.md",
    ] {
        assert_eq!(ask(path, None).await.status(), 404, "{path}");
    }
}
