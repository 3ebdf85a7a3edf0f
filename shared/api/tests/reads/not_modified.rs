//! Answers that are asked for again.

use super::support::{self, Answer};
use super::world::{World, failed, pending};

async fn get_unless(world: &World, path: &str, tags: &str) -> Answer {
    let mut request = support::get(path);
    let headers = request.headers_mut();
    headers.insert("if-none-match", tags.parse().unwrap());
    support::ask(world.routes(), request).await
}

#[tokio::test]
async fn what_is_still_so_is_not_sent_again() {
    let world = World::new();
    let (batch, flows) = world.batch(&[failed(), pending()]).await;
    let of_batch = format!("/api/v2/batches/{}", batch.id);
    for path in [
        "/api/v2/batches",
        "/api/v2/operations",
        "/api/v2/activity",
        &*of_batch,
        &*format!("{of_batch}/failures"),
        &*format!("/api/v2/transforms/{}", flows[0].id),
    ] {
        let first = world.get(path).await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(first.headers["cache-control"], "private, no-cache");
        for tags in [&*tag, &*format!("\"other\", W/{tag}"), "*"] {
            let again = get_unless(&world, path, tags).await;
            assert_eq!(
                (again.status.as_u16(), again.bytes.len()),
                (304, 0),
                "{path} {tags}"
            );
            assert_eq!(again.headers["etag"], *tag);
        }
        let other = get_unless(&world, path, "\"other\"").await;
        assert_eq!((other.status.as_u16(), &other.bytes), (200, &first.bytes));
    }
}

#[tokio::test]
async fn what_changed_is_sent() {
    let world = World::new();
    world.batch(&[pending()]).await;
    let first = world.get("/api/v2/batches").await;
    world.batch(&[pending()]).await;
    let tag = first.headers["etag"].to_str().unwrap();
    let again = get_unless(&world, "/api/v2/batches", tag).await;
    assert_eq!(again.status, 200);
    assert_ne!(again.headers["etag"], *tag);
}

/// What is long is sent while it is read, and a problem is none that anybody keeps.
#[tokio::test]
async fn what_is_long_or_wrong_has_no_tag() {
    let world = World::new();
    let (batch, _) = world.batch(&vec![pending(); 1_000]).await;
    let path = format!("/api/v2/batches/{}", batch.id);
    let long = get_unless(&world, &format!("{path}?limit=1000"), "*").await;
    assert_eq!(long.status, 200);
    assert!(!long.headers.contains_key("etag"));
    let wrong = get_unless(&world, &format!("{path}?limit=x"), "*").await;
    assert_eq!(wrong.status, 400);
    assert!(!wrong.headers.contains_key("etag"));
}
