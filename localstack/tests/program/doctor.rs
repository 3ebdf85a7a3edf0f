//! `assetmill doctor`.

use std::io::Write as _;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::DATE;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::commands::{client, json_lines, printed, run};
use crate::support::Program;
use crate::vendor::catalogue_file;

/// What was found of one thing.
#[track_caller]
fn found<'a>(findings: &'a [Value], check: &str) -> &'a Value {
    let found = findings.iter().find(|it| it["check"] == check);
    found.unwrap_or_else(|| panic!("nothing of {check}: {findings:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_anything_is_well_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("a/b");
    let told = printed(&run(&nothing, &["doctor"]).await, 0);
    assert!(told.contains("\nok     callers    need no key\n"), "{told}");
    assert!(
        told.contains("is not there yet, and can be made\n"),
        "{told}"
    );
    // It is not meant by everybody.
    assert!(told.contains("\nnote   catalogue  "), "{told}");
    assert!(!folder.path().join("a").exists());
    #[cfg(unix)]
    {
        let impossible = std::path::Path::new("/proc/assetmill");
        let told = printed(&run(impossible, &["doctor"]).await, 3);
        assert!(told.contains("\nwrong  data "), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_wrong_that_lacks_a_secret_or_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = catalogue_file("http://127.0.0.1:9/");
    let path = catalogue.path().display().to_string();
    let arguments = ["--operations", &*path, "doctor", "--json"];
    let output = run(folder.path(), &arguments).await;
    let findings = json_lines(&printed(&output, 3));
    let lacks = found(&findings, "operation");
    assert_eq!(lacks["standing"], "wrong");
    let said = lacks["message"].as_str().unwrap();
    assert!(
        said.contains("copy") && said.contains("VENDOR_KEY"),
        "{said}"
    );
    assert!(lacks["advice"].is_string());
    let mut with = client(folder.path(), &arguments);
    let output = with.env("VENDOR_KEY", "x").output().await.unwrap();
    let findings = json_lines(&printed(&output, 0));
    assert_eq!(found(&findings, "data")["standing"], "ok");

    let mut broken = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    write!(broken, "default = 7\n\u{1b}").unwrap();
    let path = broken.path().display().to_string();
    let told = run(folder.path(), &["--operations", &path, "doctor"]).await;
    let told = printed(&told, 3);
    assert!(told.starts_with("wrong  catalogue "), "{told}");
    assert!(!told.contains('\u{1b}'), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_runs_is_asked_how_it_is() {
    let program = Program::start(&[]).await;
    let told = run(program.folder.path(), &["doctor", "--json"]).await;
    let findings = json_lines(&printed(&told, 0));
    let data = found(&findings, "data")["message"].as_str().unwrap();
    assert!(
        data.contains("is held by the program at http://127.0.0.1:"),
        "{data}"
    );
    for check in ["server", "clock", "ready", "key", "operations", "webhooks"] {
        assert_eq!(found(&findings, check)["standing"], "ok", "{check}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let key = async |more: &[&str]| {
        let arguments = [&["key", "create", "alice"], more].concat();
        printed(&run(folder.path(), &arguments).await, 0)
    };
    let (all, reads) = (key(&[]).await, key(&["--read-only"]).await);
    let program = Program::start_on(folder, &[]).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let url = program.url("/");
    let with = async |key: &str, code| {
        let arguments = ["doctor", "--server", &url, "--key", key.trim(), "--json"];
        let output = run(elsewhere.path(), &arguments).await;
        let findings = json_lines(&printed(&output, code));
        let keys = findings.into_iter().filter(|it| it["check"] == "key");
        keys.map(|it| it["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        with(&all, 0).await,
        ["is taken", "may start and stop flows"]
    );
    assert_eq!(with(&reads, 0).await, ["is taken", "is for reading alone"]);
    let refused = with("somebody-else-with-a-key", 3).await;
    assert!(refused[0].starts_with("unauthorized: "), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_wrong_that_is_none_or_has_another_time() {
    let folder = tempfile::tempdir().unwrap();
    let doctor = async |url: &str| {
        let output = run(folder.path(), &["doctor", "--server", url, "--json"]).await;
        json_lines(&printed(&output, 3))
    };
    let findings = doctor("http://127.0.0.1:9").await;
    let said = found(&findings, "server")["message"].as_str().unwrap();
    assert!(said.contains("does not answer"), "{said}");

    let about = json!({ "service": "assetmill", "version": "0.0.1" }).to_string();
    let then = [(DATE, "Tue, 15 Nov 1994 08:12:31 GMT")];
    let router = Router::new()
        .route("/", get(async move || (then, about)))
        .route("/api/v2/webhooks", get(async || "{\"webhooks\": []}"))
        .route("/health/ready", get(async || "{\"dependencies\": []}"))
        .route("/elsewhere/", get(async || "<!doctype html>"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let findings = doctor(&url).await;
    let clock = found(&findings, "clock");
    assert_eq!(clock["standing"], "wrong");
    let said = clock["message"].as_str().unwrap();
    assert!(said.ends_with(" s ahead of that of the server"), "{said}");
    assert_eq!(found(&findings, "server")["standing"], "note");
    let findings = doctor(&format!("{url}elsewhere/")).await;
    let said = found(&findings, "server")["message"].as_str().unwrap();
    assert!(said.ends_with("is no Assetmill"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_told_nothing_any_more_is_told_of() {
    let gone = Router::new().route("/", post(async || StatusCode::GONE));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, gone).await.unwrap() });
    let program = Program::start(&["--fetch-allow", &address]).await;
    let folder = program.folder.path();
    let add = ["webhook", "add", &format!("http://{address}/"), "--json"];
    let added = json_lines(&printed(&run(folder, &add).await, 0));
    let endpoint = added[0]["webhook_id"].as_str().unwrap();
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    program.start_batch(&body).await;
    let list = async || {
        let list = run(folder, &["webhook", "list", "--json"]).await;
        json_lines(&printed(&list, 0)).remove(0)
    };
    while list().await["disabled_at"].is_null() {}
    let told = printed(&run(folder, &["doctor"]).await, 3);
    let said =
        format!("\nwrong  webhook    {endpoint} at http://{address}/ is told nothing since 20");
    assert!(told.contains(&said), "{told}");
    let table = printed(&run(folder, &["webhook", "list"]).await, 0);
    assert!(table.contains("  disabled 20"), "{table}");
}
