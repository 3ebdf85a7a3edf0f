//! What names lead to.

use assetmill_core::FailureCode;

use crate::site::{Again, LIMITS, Script, Site, fetch, fetcher, fetcher_with, response, told};

/// A site that closes each connection, so that every request resolves its name.
async fn site() -> Site {
    Site::saying(response("200 OK", "Connection: close\r\n", b"pixels")).await
}

#[tokio::test]
async fn nothing_private_is_reached_unless_it_is_allowed() {
    let site = site().await;
    let port = site.address.port();
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "0.0.0.0"] {
        let url = format!("http://{host}:{port}/?secret");
        let (code, again, message) = told(fetch(&fetcher(""), &url).await);
        assert_eq!(
            (code, again),
            (FailureCode::SourceRefused, Again::Never),
            "{host}"
        );
        assert!(message.contains("ASSETMILL_FETCH_ALLOW"), "{message}");
    }
    assert_eq!(site.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn the_message_does_not_tell_what_a_name_leads_to() {
    let fetcher = fetcher_with("", LIMITS, Script::new([&["10.11.12.13"]]));
    let (_, _, message) = told(fetch(&fetcher, "http://photos.test/").await);
    assert!(message.contains("photos.test"), "{message}");
    assert!(!message.contains("10.11.12.13"), "{message}");
}

#[tokio::test]
async fn an_entry_lets_through_what_it_says_and_no_more() {
    let site = site().await;
    let other = self::site().await;
    let port = site.address.port();
    for allow in [
        format!("127.0.0.1:{port}"),
        format!("127.0.0.0/8:{port}"),
        format!("photos.test:{port}"),
    ] {
        let fetcher = fetcher_with(&allow, LIMITS, Script::new([&["127.0.0.1"]]));
        let reached = fetch(&fetcher, &format!("http://photos.test:{port}/")).await;
        assert_eq!(reached.unwrap().content, "pixels", "{allow}");
        let elsewhere = format!("http://photos.test:{}/", other.address.port());
        let (code, ..) = told(fetch(&fetcher, &elsewhere).await);
        assert_eq!(code, FailureCode::SourceRefused, "{allow}");
    }
    assert_eq!(other.heads(), Vec::<String>::new());
}

/// The name leads to an address that is permitted when it is first asked for, and to one that is not
/// from then on. 127.0.0.1 on the site's port is permitted here, as a public address would be.
#[tokio::test]
async fn a_name_that_is_bound_anew_is_judged_anew() {
    let site = site().await;
    let inner = "127.0.0.2";
    let allow = site.address.to_string();
    let url = format!("http://photos.test:{}/", site.address.port());
    let fetcher = fetcher_with(&allow, LIMITS, Script::new([&["127.0.0.1"], &[inner]]));
    assert_eq!(fetch(&fetcher, &url).await.unwrap().content, "pixels");
    for _ in 0..3 {
        let (code, again, _) = told(fetch(&fetcher, &url).await);
        assert_eq!((code, again), (FailureCode::SourceRefused, Again::Never));
    }
    assert_eq!(site.heads().len(), 1);
}

/// One name with two kinds of addresses, the forbidden one first: nobody may get there by retrying.
#[tokio::test]
async fn a_name_with_many_addresses_is_reached_where_it_may_be() {
    let site = site().await;
    let found: &[&str] = &["169.254.169.254", "127.0.0.2", "::1", "127.0.0.1"];
    let allow = site.address.to_string();
    let fetcher = fetcher_with(&allow, LIMITS, Script::new([found]));
    let url = format!("http://photos.test:{}/", site.address.port());
    assert_eq!(fetch(&fetcher, &url).await.unwrap().content, "pixels");
}
