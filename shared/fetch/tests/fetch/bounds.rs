//! Sources that send too much, too little, too slowly, or without end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use assetmill_core::FailureCode;
use assetmill_fetch::{FetchLimits, SystemLookup};

use crate::site::{Again, LIMITS, Reply, Site, fetch, fetch_from, fetcher_with, response, told};

#[tokio::test]
async fn a_body_without_an_end_is_stopped_by_its_size() {
    for (head, more) in [
        (
            "Transfer-Encoding: chunked\r\n\r\n",
            b"a\r\n0123456789\r\n".repeat(100),
        ),
        ("Connection: close\r\n\r\n", vec![7; 1000]),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}").into_bytes();
        let site = Site::start(move |_| Reply::Endless(head.clone(), more.clone())).await;
        let (code, again, message) = told(fetch_from(&site, "/?secret").await);
        assert_eq!((code, again), (FailureCode::AssetTooLarge, Again::Never));
        assert!(
            message.contains("1000000 bytes") || message.contains("MiB"),
            "{message}"
        );
        assert!(message.contains("ASSETMILL_MAX_ASSET_BYTES"), "{message}");
    }
}

#[tokio::test]
async fn the_limit_is_the_last_size_that_is_taken() {
    for (bytes, fits) in [(1_000_000, true), (1_000_001, false)] {
        let body = vec![7; bytes];
        let unmeasured = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", &body[..]].concat();
        for text in [response("200 OK", "", &body), unmeasured] {
            let site = Site::saying(text).await;
            assert_eq!(fetch_from(&site, "/").await.is_ok(), fits, "{bytes}");
        }
    }
}

#[tokio::test]
async fn a_length_is_not_believed_when_memory_is_set_aside() {
    let limits = FetchLimits {
        max_bytes: u64::MAX,
        ..LIMITS
    };
    let site =
        Site::saying("HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\npixels").await;
    let fetcher = fetcher_with("127.0.0.1", limits, Arc::new(SystemLookup));
    let (code, ..) = told(fetch(&fetcher, &site.url("/")).await);
    assert_eq!(code, FailureCode::SourceIncomplete);
}

#[tokio::test]
async fn the_message_tells_the_limit_in_mib() {
    let limits = FetchLimits::default();
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
    let site = Site::start(|_| Reply::Hang(head.into())).await;
    let fetcher = fetcher_with("127.0.0.1", limits, Arc::new(SystemLookup));
    let begun = Instant::now();
    let (code, again, message) = told(fetch(&fetcher, &site.url("/")).await);
    assert_eq!((code, again), (FailureCode::AssetTooLarge, Again::Never));
    assert!(message.contains("larger than 50 MiB"), "{message}");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "it waited for the body"
    );
}

#[tokio::test]
async fn an_asset_shorter_than_its_length_is_incomplete() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npixels",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npixels\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\npixels",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ] {
        let site = Site::saying(text).await;
        let (code, again, message) = told(fetch_from(&site, "/?secret").await);
        assert_eq!(
            (code, again),
            (FailureCode::SourceIncomplete, Again::Maybe),
            "{message}"
        );
    }
}

#[tokio::test]
async fn what_follows_the_length_is_no_part_of_the_asset() {
    let site = Site::saying("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npixels and more").await;
    assert_eq!(fetch_from(&site, "/").await.unwrap().content, "pixels");
}

#[tokio::test]
async fn a_source_that_stops_speaking_is_left() {
    let limits = FetchLimits {
        time: Duration::from_millis(300),
        ..LIMITS
    };
    let again =
        "HTTP/1.1 302 Found\r\nLocation: /next\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for (name, first, then) in [
        ("no byte", "", ""),
        ("half a head", "HTTP/1.1 200 OK\r\nContent-", ""),
        (
            "half a body",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npix",
            "",
        ),
        (
            "half a chunk",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\npix",
            "",
        ),
        ("behind a redirect", again, "HTTP/1.1 200 OK\r\n"),
    ] {
        let site = Site::start(move |path| match path {
            "/next" => Reply::Hang(then.into()),
            _ => Reply::Hang(first.into()),
        })
        .await;
        let fetcher = fetcher_with("127.0.0.1", limits, Arc::new(SystemLookup));
        let (code, again, message) = told(fetch(&fetcher, &site.url("/?secret")).await);
        assert_eq!(
            (code, again),
            (FailureCode::SourceTimeout, Again::Maybe),
            "{name}"
        );
        assert!(message.contains("within 0.3 s"), "{name}: {message}");
    }
}

#[tokio::test]
async fn a_drip_does_not_outlast_the_time() {
    let limits = FetchLimits {
        time: Duration::from_millis(300),
        max_bytes: u64::MAX,
        ..LIMITS
    };
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let site = Site::start(move |_| Reply::Endless(head.clone(), b"1\r\n.\r\n".to_vec())).await;
    let fetcher = fetcher_with("127.0.0.1", limits, Arc::new(SystemLookup));
    let (code, again, _) = told(fetch(&fetcher, &site.url("/")).await);
    assert_eq!((code, again), (FailureCode::SourceTimeout, Again::Maybe));
}

#[tokio::test]
async fn a_head_without_an_end_is_not_read_to_its_end() {
    let head = b"HTTP/1.1 200 OK\r\n".to_vec();
    let line = [b"X-Filler: ".to_vec(), vec![b'x'; 1000], b"\r\n".to_vec()].concat();
    let site = Site::start(move |_| Reply::Endless(head.clone(), line.clone())).await;
    let (code, again, message) = told(fetch_from(&site, "/").await);
    assert_eq!(
        (code, again),
        (FailureCode::SourceUnavailable, Again::Hardly),
        "{message}"
    );
}
