//! Keys that are made and revoked while the program runs, and what their tenants may have.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::assets::Assets;
use crate::support::{Program, command};

/// Runs `assetmill key` on a folder.
async fn key(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(folder);
    command.arg("key").args(arguments).output().await.unwrap()
}

/// A new key of a tenant.
async fn create(folder: &Path, arguments: &[&str]) -> String {
    let output = key(folder, &[&["create"], arguments].concat()).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    let key = String::from_utf8(output.stdout).unwrap();
    assert_eq!(key.lines().count(), 1, "{key}");
    let key = key.trim().to_owned();
    assert!(key.starts_with("am_") && key.len() == 46, "{key}");
    assert!(!told.contains(&key), "{told}");
    key
}

async fn callers(folder: &Path) -> String {
    tokio::fs::read_to_string(folder.join("callers.toml"))
        .await
        .unwrap()
}

async fn list(program: &Program, key: &str) -> (StatusCode, Value) {
    let request = program.request(Method::GET, "/api/v2/batches");
    let answer = request.bearer_auth(key).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Asks until the answer has this status.
async fn until(program: &Program, key: &str, status: StatusCode) -> Value {
    let asked = async {
        loop {
            let (found, body) = list(program, key).await;
            if found == status {
                return body;
            }
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, asked)
        .await
        .expect("the change is noticed")
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_and_revoked_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = create(folder.path(), &["alice", "--name", "ci"]).await;
    let program = Program::start_on(folder, &[]).await;
    let folder = program.folder.path();
    assert_eq!(list(&program, &first).await.0, StatusCode::OK);
    assert!(!callers(folder).await.contains(&first));

    let second = create(folder, &["alice", "--name", "laptop", "--expires", "30d"]).await;
    let other = create(folder, &["bob"]).await;
    until(&program, &second, StatusCode::OK).await;
    assert_eq!(list(&program, &other).await.0, StatusCode::OK);
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let request = program
        .request(Method::POST, "/api/v2/transforms")
        .json(&body);
    let started = request.bearer_auth(&first).send().await.unwrap();
    assert_eq!(started.status(), StatusCode::ACCEPTED);
    let page = create(folder, &["alice", "--name", "page", "--read-only"]).await;
    until(&program, &page, StatusCode::OK).await;
    let request = program
        .request(Method::POST, "/api/v2/transforms")
        .json(&body);
    let refused = request.bearer_auth(&page).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let batches = |(_, body): (_, Value)| body["batches"].as_array().unwrap().len();
    assert_eq!(batches(list(&program, &second).await), 1);
    assert_eq!(batches(list(&program, &other).await), 0);

    let revoked = key(folder, &["revoke", "alice", "ci"]).await;
    assert!(revoked.status.success());
    let problem = until(&program, &first, StatusCode::UNAUTHORIZED).await;
    assert!(
        problem["detail"].as_str().unwrap().contains("revoked"),
        "{problem}"
    );
    assert_eq!(list(&program, &second).await.0, StatusCode::OK);
    let listed = String::from_utf8(key(folder, &["list"]).await.stdout).unwrap();
    for (name, state) in [
        ("ci", "revoked"),
        ("laptop", "expires 20"),
        ("page", "reads alone"),
    ] {
        let line = listed.lines().find(|line| line.contains(name)).unwrap();
        assert!(line.starts_with("alice") && line.contains(state), "{line}");
    }
    for key in [&first, &second, &other] {
        assert!(!listed.contains(key.as_str()), "{listed}");
    }
}

#[tokio::test]
async fn what_can_not_be_done_to_keys_is_said_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let refused = async |arguments: &[&str]| {
        let output = key(folder.path(), arguments).await;
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let list = refused(&["list"]).await;
    assert!(list.contains("callers.toml"), "{list}");
    create(folder.path(), &["alice", "--name", "ci"]).await;
    let before = callers(folder.path()).await;
    for (arguments, told) in [
        (&["create", "alice", "--name", "ci"][..], "ci"),
        (&["create", "alice", "--name", "a\nb"], "name"),
        (&["create", "Alice"], "names are"),
        (&["create", "alice", "--expires", "yesterday"], "2027"),
        (&["revoke", "alice", "other"], "other"),
        (&["revoke", "bob", "ci"], "bob"),
    ] {
        let message = refused(arguments).await;
        assert!(message.contains(told), "{message}");
    }
    assert_eq!(callers(folder.path()).await, before);
    // For a secret elsewhere, no file is touched.
    let output = key(folder.path(), &["create", "carol", "--print"]).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    let (key, lines) = printed.split_once("\n\n").unwrap();
    assert!(lines.starts_with("[[tenants.carol.keys]]"), "{lines}");
    assert!(!lines.contains(key), "{lines}");
    assert_eq!(callers(folder.path()).await, before);
}

#[tokio::test]
async fn broken_callers_stop_the_start_and_change_nothing_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("callers.toml");
    std::fs::write(&path, "[tenants.alice.limits]\nopen_flow = 5\n").unwrap();
    let output = command(folder.path()).output().await.unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    let place = format!("{}: line 2:", path.display());
    assert!(
        message.contains(&place) && message.contains("open_flow"),
        "{message}"
    );
    for options in [
        &["--callers", "/no/such/callers.toml"][..],
        &["--api-keys", "alice:alice-alice-alice-alice"],
    ] {
        let output = command(folder.path()).args(options).output().await.unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.contains("callers.toml"), "{message}");
    }

    std::fs::remove_file(&path).unwrap();
    let alice = create(folder.path(), &["alice"]).await;
    let program = Program::start_on(folder, &[]).await;
    std::fs::write(&path, "[tenants").unwrap();
    assert_eq!(list(&program, &alice).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_no_more_than_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let alice = create(folder.path(), &["alice"]).await;
    let bob = create(folder.path(), &["bob"]).await;
    let limits = "\n[tenants.alice.limits]\nopen_flows = 2\nasset_bytes = 1000\n\
                  [tenants.bob.limits]\nrequests_per_second = 0.01\nburst = 2\n";
    let path = folder.path().join("callers.toml");
    let text = callers(folder.path()).await + limits;
    std::fs::write(&path, text).unwrap();
    let assets = Assets::serve().await;
    let program = Program::start_on(folder, &["--fetch-allow", &assets.allow()]).await;
    let photo = assets.url("/photo/1");

    let post = async |key: &str, path: &str, body: Value| {
        let request = program.request(Method::POST, path).json(&body);
        request.bearer_auth(key).send().await.unwrap()
    };
    let many = json!({ "digital_asset_urls": [photo, photo, photo] });
    let refused = post(&alice, "/api/v2/transforms", many).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let one = json!({ "digital_asset_url": photo });
    let refused = post(&alice, "/api/v1/transform", one).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "asset_too_large", "{problem}");

    for left in ["1", "0"] {
        let answer = program.request(Method::GET, "/api/v2/operations");
        let answer = answer.bearer_auth(&bob).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let told = answer.headers()["ratelimit"].to_str().unwrap();
        assert!(
            told.starts_with(&format!("\"requests\";r={left};")),
            "{told}"
        );
    }
    let refused = post(&bob, "/api/v2/transforms", json!({})).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((90..=100).contains(&wait), "{wait}");
    let policy = refused.headers()["ratelimit-policy"].to_str().unwrap();
    assert_eq!(policy, "\"requests\";q=2;w=200");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "rate_limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_names_the_tenant_and_the_key_and_does_not_show_it() {
    let folder = tempfile::tempdir().unwrap();
    let alice = create(folder.path(), &["alice", "--name", "the laptop"]).await;
    let file = folder.path().join("callers.toml");
    let options = ["--callers", file.to_str().unwrap()];
    let program = Program::start_with(&options, &[("ASSETMILL_LOG", "info")]).await;
    assert_eq!(list(&program, &alice).await.0, StatusCode::OK);
    assert_eq!(
        list(&program, "am_of-nobody").await.0,
        StatusCode::UNAUTHORIZED
    );
    let log = program.log();
    let of_alice = log.lines().filter(|line| line.contains("the laptop"));
    assert!(of_alice.clone().count() > 0, "{log}");
    assert!(of_alice.clone().all(|line| line.contains("alice")), "{log}");
    assert!(!log.contains(&alice) && !log.contains("of-nobody"), "{log}");
}
