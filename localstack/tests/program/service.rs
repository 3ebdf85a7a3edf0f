//! `GET /`, health, documentation and the catalogue.

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Program;

#[tokio::test(flavor = "multi_thread")]
async fn the_service_tells_about_itself() {
    let program = Program::start(&[]).await;
    let (status, root) = program.get_json("/").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(root["version"], env!("CARGO_PKG_VERSION"));
    for path in ["/health", "/health/ready"] {
        let (status, health) = program.get_json(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {health}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "takes away the folder")]
async fn readiness_names_what_is_down() {
    let program = Program::start(&[]).await;
    std::fs::remove_dir_all(program.folder.path().join("outputs")).unwrap();
    let (status, health) = program.get_json("/health/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{health}");
    assert!(health.to_string().contains("outputs"), "{health}");
    let (status, _) = program.get_json("/health").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    feature = "deployed",
    ignore = "examples name the address of the program"
)]
async fn the_documentation_needs_no_other_host() {
    let program = Program::start(&[]).await;
    // With a slash or without: a gateway that strips it must not be sent back for it.
    for path in ["/docs", "/docs/"] {
        let page = program.fetch(&program.url(path)).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        let base = page.url().clone();
        assert_eq!(base.path(), path);
        let page = page.text().await.unwrap();
        assert!(!page.contains("https://"), "{page}");
        let between = |text: &str, from: &str| {
            let rest = text.split_once(from).unwrap().1;
            rest.split_once('"').unwrap().0.to_owned()
        };
        let folder = base.join(&between(&page, "base href=\"")).unwrap();
        for link in page
            .match_indices("src=\"")
            .map(|(at, _)| between(&page[at..], "src=\""))
        {
            let file = program.fetch(folder.join(&link).unwrap().as_str()).await;
            assert_eq!(file.status(), StatusCode::OK, "{path} {link}");
        }
        let initializer = folder.join("swagger-initializer.js").unwrap();
        let initializer = program
            .fetch(initializer.as_str())
            .await
            .text()
            .await
            .unwrap();
        let document = folder.join(&between(&initializer, "\"url\": \"")).unwrap();
        assert_eq!(document.path(), "/openapi.json", "{initializer}");
    }
    let (_, document) = program.get_json("/openapi.json").await;
    for path in [
        "/",
        "/health",
        "/health/ready",
        "/api/v1/transform",
        "/api/v1/transforms",
        "/api/v2/assets",
        "/api/v2/transforms",
        "/api/v2/transforms/results",
        "/api/v2/transforms/{flow_id}",
        "/api/v2/batches",
        "/api/v2/batches/{batch_id}",
        "/api/v2/batches/{batch_id}/failures",
        "/api/v2/batches/{batch_id}/cancel",
        "/api/v2/batches/{batch_id}/retry",
        "/api/v2/flows/cancel",
        "/api/v2/flows/retry",
        "/api/v2/failures",
        "/api/v2/activity",
        "/api/v2/operations",
    ] {
        assert!(
            document["paths"][path].is_object(),
            "{path} is not documented"
        );
    }
    // The examples can be tried against the program that shows them.
    let text = document.to_string();
    assert!(text.contains(&program.url("/samples/coffee.jpg")));
    assert!(!text.contains("127.0.0.1:8000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_listed() {
    let program = Program::start(&[]).await;
    let (status, catalogue) = program.get_json("/api/v2/operations").await;
    assert_eq!(status, StatusCode::OK);
    let operations = catalogue["operations"].as_array().unwrap();
    let thumbnail = operations
        .iter()
        .find(|operation| operation["name"] == "thumbnail")
        .unwrap();
    assert_eq!(thumbnail["default"], true);
    assert_eq!(thumbnail["available"], true);
    assert_eq!(
        thumbnail["params"]["properties"]["width"]["type"],
        "integer"
    );
}

/// A client that begins a request and never ends it keeps neither its connection nor the program.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "API Gateway reads requests")]
async fn half_a_request_is_given_up() {
    let mut program = Program::start(&[]).await;
    let address = program.url("").trim_start_matches("http://").to_owned();
    let mut half = TcpStream::connect(&address).await.unwrap();
    half.write_all(b"GET /health HTTP/1.1\r\nHost:")
        .await
        .unwrap();
    let mut rest = Vec::new();
    half.read_to_end(&mut rest).await.unwrap();

    let mut another = TcpStream::connect(&address).await.unwrap();
    another
        .write_all(b"GET /health HTTP/1.1\r\nHost:")
        .await
        .unwrap();
    let (printed, status) = program.terminate().await;
    assert!(status.success(), "{status}");
    assert!(printed.contains("Stopped"), "{printed}");
}
