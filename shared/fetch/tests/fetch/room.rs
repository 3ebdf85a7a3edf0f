//! The memory that assets take: what there is for one tenant, and who waits for it.

use std::time::Duration;

use assetmill_core::{FailureCode, OperationError};
use assetmill_fetch::{Fetcher, Memory};

use crate::site::{Reply, Site, fetch, fetcher, response};

const ASSET: usize = 900_000;
/// Room for one such asset, which weighs three times its size, and not for two; a tenant has three quarters of it.
const MEMORY: u64 = 4_000_000;

/// `/unsaid` sends the asset without saying how long it is, everything else with its length.
async fn site() -> (Site, Fetcher) {
    let site = Site::start(|path| {
        let body = vec![7; ASSET];
        Reply::Close(match path {
            "/unsaid" => [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", &body[..]].concat(),
            _ => response("200 OK", "", &body),
        })
    })
    .await;
    // Both sites of a test are on this address.
    let fetcher = fetcher("127.0.0.1").within(&Memory::of(MEMORY));
    (site, fetcher)
}

#[tokio::test]
async fn an_asset_waits_until_there_is_room_for_it() {
    for path in ["/said", "/unsaid"] {
        let (site, fetcher) = site().await;
        let first = fetch(&fetcher, &site.url("/said")).await.unwrap();
        let url = site.url(path);
        let mut second = Box::pin(fetch(&fetcher, &url));
        let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
        assert!(early.is_err(), "{path} did not wait");
        drop(first);
        assert_eq!(second.await.unwrap().content.len(), ASSET, "{path}");
    }
}

#[tokio::test]
async fn an_asset_for_which_there_is_no_room_for_long_comes_again_and_no_failure() {
    let (site, fetcher) = site().await;
    let _first = fetch(&fetcher, &site.url("/said")).await.unwrap();
    let error = fetch(&fetcher, &site.url("/said")).await.unwrap_err();
    let OperationError::Paced { failure, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(failure.code, FailureCode::SourceThrottled);
}

/// It is asked for again with all the room that it could need, and holds none while it waits.
#[tokio::test]
async fn an_asset_that_outgrows_its_room_waits_for_more() {
    let (site, fetcher) = site().await;
    let fetcher = fetcher.within(&Memory::of(2 * MEMORY));
    let half = Site::saying(response("200 OK", "", &vec![7; ASSET / 2])).await;
    let first = fetch(&fetcher, &site.url("/said")).await.unwrap();
    let _second = fetch(&fetcher, &half.url("/")).await.unwrap();
    let url = site.url("/unsaid");
    let mut third = Box::pin(fetch(&fetcher, &url));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut third).await;
    assert!(early.is_err(), "there was room for more than there is");
    drop(first);
    assert_eq!(third.await.unwrap().content.len(), ASSET);
    let asked = site
        .heads()
        .iter()
        .filter(|head| head.contains("/unsaid"))
        .count();
    assert_eq!(asked, 2);
}
