//! Redirects, each a URL to be accepted and guarded anew.

use assetmill_core::FailureCode;

use crate::site::{Again, Reply, Site, fetch, fetch_from, fetcher, response, told};

fn redirect(status: u16, location: &str) -> Vec<u8> {
    let location = format!("Location: {location}\r\n");
    response(&format!("{status} Elsewhere"), &location, b"not the asset")
}

async fn site_that_redirects_to(location: &str) -> Site {
    Site::saying(redirect(302, location)).await
}

#[tokio::test]
async fn every_kind_of_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let site = Site::start(move |path| {
            Reply::Close(match path {
                "/photos/a.jpg" => response("200 OK", "", b"pixels"),
                _ => redirect(status, "photos/a.jpg"),
            })
        })
        .await;
        let asset = fetch_from(&site, "/start").await.unwrap();
        assert_eq!(asset.content, "pixels", "{status}");
        assert_eq!(asset.url.to_string(), site.url("/start"), "{status}");
    }
}

#[tokio::test]
async fn five_redirects_are_followed_and_six_are_not() {
    let site = Site::start(|path| {
        let left: u32 = path[1..].parse().unwrap();
        Reply::Close(match left {
            0 => response("200 OK", "", b"pixels"),
            left => redirect(302, &format!("/{}", left - 1)),
        })
    })
    .await;
    assert_eq!(fetch_from(&site, "/5").await.unwrap().content, "pixels");
    let (code, again, message) = told(fetch_from(&site, "/6").await);
    assert_eq!(
        (code, again),
        (FailureCode::SourceBadRedirect, Again::Never)
    );
    assert!(message.contains("more than 5 times"), "{message}");
}

#[tokio::test]
async fn a_loop_of_redirects_ends() {
    let site = site_that_redirects_to("/again?secret").await;
    let (code, again, _) = told(fetch_from(&site, "/").await);
    assert_eq!(
        (code, again),
        (FailureCode::SourceBadRedirect, Again::Never)
    );
    assert_eq!(site.heads().len(), 6);
}

#[tokio::test]
async fn a_redirect_to_what_can_not_be_fetched_is_bad() {
    for location in [
        "ftp://example.com/secret",
        "file:///etc/passwd",
        "data:,secret",
        &format!("asset:{}.jpg", "0".repeat(64)),
        "http://user:secret@example.com/",
        "http://",
        "http://exa mple/secret",
        &format!("/{}", "a".repeat(5000)),
    ] {
        let site = site_that_redirects_to(location).await;
        let (code, again, message) = told(fetch_from(&site, "/").await);
        assert_eq!(
            (code, again),
            (FailureCode::SourceBadRedirect, Again::Never),
            "{location}"
        );
        assert!(message.contains(&site.address.to_string()), "{message}");
    }
}

#[tokio::test]
async fn a_redirect_without_a_readable_location_is_bad() {
    for headers in [&b""[..], b"Location: /\xFF\xFE\r\n"] {
        let text = [
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n",
            headers,
            b"\r\n",
        ]
        .concat();
        let site = Site::saying(text).await;
        let (code, again, message) = told(fetch_from(&site, "/").await);
        assert_eq!(
            (code, again),
            (FailureCode::SourceBadRedirect, Again::Never)
        );
        assert!(message.contains("Location"), "{message}");
    }
}

/// The first hop is allowed, as a public one would be; where it leads is not.
#[tokio::test]
async fn a_redirect_to_where_callers_should_not_reach_is_refused() {
    let inner = Site::saying(response("200 OK", "", b"secret")).await;
    let port = inner.address.port();
    for location in [
        format!("http://127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[fd00:ec2::254]/latest/meta-data/".to_owned(),
    ] {
        let site = site_that_redirects_to(&location).await;
        let (code, again, message) = told(fetch_from(&site, "/").await);
        assert_eq!(
            (code, again),
            (FailureCode::SourceRefused, Again::Never),
            "{location}"
        );
        assert!(message.contains("ASSETMILL_FETCH_ALLOW"), "{message}");
        assert_eq!(site.heads().len(), 1);
    }
    assert_eq!(inner.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn a_redirect_may_lead_to_another_site_that_is_allowed() {
    let inner = Site::saying(response("200 OK", "", b"pixels")).await;
    let outer = site_that_redirects_to(&inner.url("/")).await;
    let allow = format!("{}, {}", outer.address, inner.address);
    let asset = fetch(&fetcher(&allow), &outer.url("/")).await.unwrap();
    assert_eq!(asset.content, "pixels");
}
