//! Assets that are sent in forms (RFC 7578).

use serde_json::json;

use super::support::Answer;
use super::v2_assets::{ONE, PATH, PNG, sent};
use super::world::World;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
const FORM: (&str, &str) = (
    "content-type",
    "multipart/form-data; boundary=\"in between\"",
);

/// A part, as browsers and `curl` write it.
fn part(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--in between\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"a.jpg\"\r\n\
         content-type: text/html\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut form: Vec<_> = parts
        .iter()
        .flat_map(|(name, content)| part(name, content))
        .collect();
    form.extend(b"--in between--\r\n");
    form
}

async fn answered(world: &World, path: &str, parts: &[(&str, &[u8])]) -> Answer {
    sent(world, path, &[FORM], &form(parts)).await
}

#[tokio::test]
async fn the_files_of_a_form_are_kept_as_each_would_be_alone() {
    let world = World::new();
    let files: &[(&str, &[u8])] = &[("file", PNG), ("file", JPEG), ("file", PNG)];
    let answer = answered(&world, PATH, files).await;
    assert_eq!(answer.status, 201);
    let body = answer.json();
    let assets = body["assets"].as_array().unwrap();
    assert_eq!(assets.len(), 3);
    for (asset, (_, content)) in assets.iter().zip(files) {
        let octets = ("content-type", "application/octet-stream");
        let alone = sent(&world, PATH, &[octets], content).await.json();
        for field in ["digital_asset_url", "bytes", "media_type", "sha256"] {
            assert_eq!(asset[field], alone[field], "{field}");
        }
    }
    let one = answered(&world, PATH, &[("file", PNG)]).await.json();
    assert_eq!(one["assets"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn v1_takes_a_form_that_says_what_is_done_to_its_file() {
    let world = World::new();
    let once = answered(&world, ONE, &[("file", PNG)]).await;
    assert_eq!(once.status, 200);
    let query = format!("{ONE}?operation=copy");
    for (path, parts) in [
        (
            ONE,
            &[
                ("operation", &b"copy"[..]),
                ("params", b"{\"times\": 2}"),
                ("file", PNG),
            ][..],
        ),
        (ONE, &[("file", PNG), ("params", b"{\"times\": 2}")]),
        (&query, &[("file", PNG), ("params", b"{\"times\": 2}")]),
    ] {
        let twice = answered(&world, path, parts).await;
        assert_eq!(twice.bytes.len(), 2 * once.bytes.len());
    }
    for (parts, code, pointer) in [
        (
            &[("operation", &b"nonsense"[..])][..],
            "unknown_operation",
            "/operation",
        ),
        (
            &[("params", b"{\"times\": \"2\"}")],
            "invalid_params",
            "/params/times",
        ),
        (&[("params", b"times=2")], "invalid_body", "/params"),
        (&[("params", b"[]")], "invalid_body", "/params"),
        (&[("params", b"")], "invalid_body", "/params"),
        (&[("operation", b"\xff")], "invalid_body", "/operation"),
        (
            &[("operation", b"copy"), ("operation", b"copy")],
            "invalid_body",
            "/operation",
        ),
        (&[("width", b"300")], "invalid_body", "/width"),
        (&[("file", PNG)], "invalid_body", "/file"),
    ] {
        let parts = [parts, &[("file", PNG)]].concat();
        let problem = answered(&world, ONE, &parts).await.problem();
        assert_eq!(problem, (422, code.to_owned(), Some(pointer.to_owned())));
    }
}

#[tokio::test]
async fn what_is_sent_in_a_form_again_under_a_key_is_one_request() {
    let world = World::paid();
    let key = ("idempotency-key", "once");
    let body = form(&[("file", PNG), ("params", b"{\"times\": 2}")]);
    let first = sent(&world, ONE, &[FORM, key], &body).await;
    let again = sent(&world, ONE, &[FORM, key], &body).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (200, 200));
    assert_eq!(
        first.headers["assetmill-flow-id"],
        again.headers["assetmill-flow-id"]
    );
    let other = form(&[("file", PNG), ("params", b"{\"times\": 3}")]);
    let other = sent(&world, ONE, &[FORM, key], &other).await;
    assert_eq!(other.problem().1, "idempotency_key_reused");
}

#[tokio::test]
async fn what_is_no_form_of_files_is_refused() {
    let world = World::new();
    let whole = form(&[("file", PNG)]);
    for (body, pointer) in [
        (&b""[..], ""),
        (b"--in between--\r\n", "/file"),
        (b"no form", ""),
        (&whole[..whole.len() - 20], ""),
        (
            b"--in between\r\ncontent-disposition: form-data; name=\"file\"",
            "",
        ),
        (&form(&[("colour", b"red")]), "/colour"),
        (
            &form(&[("file", PNG), ("operation", b"copy")]),
            "/operation",
        ),
    ] {
        let problem = sent(&world, PATH, &[FORM], body).await.problem();
        assert_eq!(
            problem,
            (422, "invalid_body".to_owned(), Some(pointer.to_owned()))
        );
    }
    let empty = answered(&world, PATH, &[("file", PNG), ("file", b"")]).await;
    assert_eq!(
        empty.problem(),
        (422, "asset_empty".to_owned(), Some("/file/1".to_owned()))
    );
    let many = vec![("file", PNG); 101];
    assert_eq!(answered(&world, PATH, &many[1..]).await.status, 201);
    assert_eq!(
        answered(&world, PATH, &many).await.problem().1,
        "invalid_body"
    );
    for headers in [
        &[("content-type", "multipart/form-data")][..],
        // A page of any site may send a form and ask nobody.
        &[FORM, ("origin", "https://evil.example")],
        &[FORM, ("origin", "null")],
        &[FORM, ("content-encoding", "gzip")],
    ] {
        let refused = sent(&world, PATH, headers, &whole).await.problem();
        assert_eq!(
            refused,
            (415, "unsupported_content_type".to_owned(), None),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn the_files_of_a_form_have_no_more_bytes_than_an_asset() {
    let mut world = World::new();
    world.state.uploads.max_bytes = 20;
    let fits = answered(&world, PATH, &[("file", &[7; 10]), ("file", &[7; 10])]).await;
    assert_eq!(fits.status, 201);
    assert_eq!(fits.json()["assets"][0]["bytes"], json!(10));
    let long = vec![b'a'; 70_000];
    let parts: [&[(&str, &[u8])]; 3] = [
        &[("file", &[7; 21])],
        &[("file", &[7; 10]), ("file", &[7; 11])],
        // What stands around the files is bounded, too.
        &[("file", &[7; 10]), ("operation", &long)],
    ];
    for parts in parts {
        let problem = answered(&world, ONE, parts).await.problem();
        let several = parts.iter().filter(|(name, _)| *name == "file").count() > 1;
        let expected = if several {
            "invalid_body"
        } else {
            "body_too_large"
        };
        assert_eq!(problem.1, expected);
        let problem = answered(&world, PATH, parts).await.problem();
        assert_eq!(problem.1, "body_too_large");
    }
}

#[tokio::test]
async fn a_form_takes_no_more_memory_than_its_caller_has() {
    let mut world = World::new();
    // Of which one caller has half: room for the body, and none for what is made of it.
    world.state.in_flight = assetmill_api::InFlight::new(2 * 48 * 1024);
    let file = vec![7; 30_000];
    assert_eq!(
        answered(&world, PATH, &[("file", &file)]).await.problem().1,
        "busy"
    );
    let file = vec![7; 10_000];
    for _ in 0..3 {
        assert_eq!(answered(&world, PATH, &[("file", &file)]).await.status, 201);
    }
}
