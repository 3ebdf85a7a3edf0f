//! What each answer of a source means.

use std::time::{Duration, SystemTime};

use assetmill_core::FailureCode;

use crate::site::{
    Again, LIMITS, Script, Site, fetch, fetch_from, fetcher, fetcher_with, response, told,
};

#[tokio::test]
async fn an_asset_is_fetched_whole() {
    let site = Site::saying(response("200 OK", "Content-Type: text/html\r\n", b"pixels")).await;
    let asset = fetch_from(&site, "/a.jpg?size=1#top").await.unwrap();
    assert_eq!(asset.content, "pixels");
    assert_eq!(asset.url.to_string(), site.url("/a.jpg?size=1"));
    let heads = site.heads();
    assert_eq!(heads.len(), 1);
    let head = heads[0].to_ascii_lowercase();
    assert!(head.starts_with("get /a.jpg?size=1 http/1.1\r\n"), "{head}");
    assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
    assert!(head.contains("user-agent: assetmill/"), "{head}");
    assert!(!head.contains("referer"), "{head}");
}

#[tokio::test]
async fn an_asset_without_a_length_is_fetched_whole() {
    for body in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\npix\r\n3\r\nels\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npixels",
        "HTTP/1.0 200 OK\r\n\r\npixels",
    ] {
        let site = Site::saying(body).await;
        assert_eq!(fetch_from(&site, "/").await.unwrap().content, "pixels");
    }
}

#[tokio::test]
async fn each_status_has_its_code() {
    use FailureCode as Code;
    for (statuses, code, again) in [
        (&[404, 410][..], Code::SourceNotFound, Again::Never),
        (&[401, 402, 403, 407], Code::SourceDenied, Again::Never),
        (
            &[408, 425, 500, 501, 502, 503, 504, 599],
            Code::SourceUnavailable,
            Again::Maybe,
        ),
        (
            &[
                201, 204, 206, 300, 304, 305, 400, 405, 406, 409, 418, 422, 451, 600, 999,
            ],
            Code::SourceRejected,
            Again::Never,
        ),
    ] {
        for status in statuses {
            let site = Site::saying(response(&format!("{status} Odd"), "", b"")).await;
            let (found, how, message) = told(fetch_from(&site, "/secret?secret").await);
            assert_eq!((found, how), (code, again), "{status}: {message}");
            assert!(message.contains(&site.address.to_string()), "{message}");
            assert!(message.contains(&status.to_string()), "{message}");
        }
    }
}

#[tokio::test]
async fn a_source_that_asks_for_patience_says_how_long() {
    let in_a_minute = httpdate::fmt_http_date(SystemTime::now() + Duration::from_mins(1));
    for (status, value, least, most) in [
        ("429 Too Many Requests", "120", 120, 120),
        ("503 Service Unavailable", "7", 7, 7),
        ("429 Too Many Requests", &in_a_minute, 30, 60),
    ] {
        let headers = format!("Retry-After: {value}\r\n");
        let site = Site::saying(response(status, &headers, b"")).await;
        let (code, again, _) = told(fetch_from(&site, "/").await);
        assert_eq!(code, FailureCode::SourceThrottled);
        let Again::After(Some(wait)) = again else {
            panic!("{again:?}");
        };
        assert!(
            (least..=most).contains(&wait.as_secs()),
            "{value}: {wait:?}"
        );
    }
}

#[tokio::test]
async fn a_source_that_does_not_say_how_long_is_left_alone_for_a_second_at_least() {
    for headers in ["", "Retry-After: 0\r\n", "Retry-After: soon\r\n"] {
        let site = Site::saying(response("429 Too Many Requests", headers, b"")).await;
        let (code, again, _) = told(fetch_from(&site, "/").await);
        assert_eq!(code, FailureCode::SourceThrottled);
        let Again::After(Some(wait)) = again else {
            panic!("{again:?}");
        };
        assert!((1..=2).contains(&wait.as_secs()), "{headers}: {wait:?}");
    }
}

#[tokio::test]
async fn an_empty_asset_is_none() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ] {
        let site = Site::saying(text).await;
        let (code, again, message) = told(fetch_from(&site, "/").await);
        assert_eq!((code, again), (FailureCode::AssetEmpty, Again::Never));
        assert!(message.contains("0 bytes"), "{message}");
    }
}

#[tokio::test]
async fn a_coding_that_was_not_asked_for_is_told_from_a_broken_asset() {
    for coding in ["gzip", "GZIP", "aws-chunked, br", "x-gzip"] {
        let headers = format!("Content-Encoding: {coding}\r\n");
        let site = Site::saying(response("200 OK", &headers, b"\x1f\x8b")).await;
        let (code, again, message) = told(fetch_from(&site, "/").await);
        assert_eq!((code, again), (FailureCode::SourceRejected, Again::Never));
        assert!(message.contains("Content-Encoding"), "{message}");
    }
    for harmless in ["identity", "aws-chunked", "utf-8", ""] {
        let headers = format!("Content-Encoding: {harmless}\r\n");
        let site = Site::saying(response("200 OK", &headers, b"pixels")).await;
        assert_eq!(fetch_from(&site, "/").await.unwrap().content, "pixels");
    }
}

#[tokio::test]
async fn a_source_that_is_not_there_may_come_back() {
    let gone = Site::saying("").await.address.port();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    for (url, allow) in [
        (format!("http://{nobody}/?secret"), nobody.to_string()),
        (
            format!("http://127.0.0.1:{gone}/?secret"),
            "127.0.0.1".to_owned(),
        ),
    ] {
        let (code, again, message) = told(fetch(&fetcher(&allow), &url).await);
        assert_eq!(
            (code, again),
            (FailureCode::SourceUnavailable, Again::Maybe),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_source_without_tls_will_hardly_have_it_soon() {
    let plain = Site::saying(response("200 OK", "", b"pixels")).await;
    let mute = Site::saying("").await;
    for site in [plain, mute] {
        let url = format!("https://{}/?secret", site.address);
        let (code, again, message) = told(fetch(&fetcher("127.0.0.1"), &url).await);
        assert_eq!(
            (code, again),
            (FailureCode::SourceUnavailable, Again::Hardly),
            "{message}"
        );
        assert!(message.contains("TLS"), "{message}");
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_will_hardly_be_known_soon() {
    let fetcher = fetcher_with("", LIMITS, Script::new([]));
    let (code, again, message) = told(fetch(&fetcher, "http://photos.test/?secret").await);
    assert_eq!(
        (code, again),
        (FailureCode::SourceUnavailable, Again::Hardly)
    );
    assert!(message.contains("photos.test"), "{message}");
    assert!(message.contains("no such name"), "{message}");
}

#[tokio::test]
async fn what_is_not_http_is_unavailable() {
    for text in ["SSH-2.0-OpenSSH_9.2\r\n", "<html>", "HTTP/1.1 abc\r\n\r\n"] {
        let site = Site::saying(text).await;
        let (code, again, message) = told(fetch_from(&site, "/?secret").await);
        assert_eq!(
            (code, again),
            (FailureCode::SourceUnavailable, Again::Hardly),
            "{message}"
        );
        assert!(message.contains("HTTP"), "{message}");
    }
}
