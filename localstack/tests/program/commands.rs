//! What clients do on the command line.

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::assets::Assets;
use crate::support::{Program, command};
use crate::vendor::{Vendor, catalogue_file, vendor_allow};

/// The program as a client: it finds the one that runs on the folder, or is one itself.
pub(crate) fn client(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = command(folder);
    // What is logged where nothing is said of it.
    command.env_remove("ASSETMILL_LOG");
    command.args(arguments).kill_on_drop(true);
    command
}

pub(crate) async fn run(folder: &Path, arguments: &[&str]) -> Output {
    client(folder, arguments).output().await.unwrap()
}

/// What it printed, if it ended so.
#[track_caller]
pub(crate) fn printed(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{printed}\n{said}");
    printed
}

pub(crate) fn json_lines(printed: &str) -> Vec<Value> {
    let lines = printed.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn id(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A folder with a batch that nobody works on any more: a program was killed while the host of these assets asked for
/// patience, and the host has it no longer.
async fn left_behind(assets: &Assets, paths: &[&str]) -> (TempDir, Value) {
    let mut program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let body = assets.body(paths.iter().map(ToString::to_string));
    let started = program.start_batch(&body).await;
    let waiting = |results: &Value| results["counts"]["pending"] == results["counts"]["total"];
    program.results_when(&started, waiting).await;
    program.kill().await;
    let folder = program.folder.clone();
    drop(program);
    (Arc::into_inner(folder).unwrap(), started)
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_listed_as_filters_say() {
    let program = Program::start(&[]).await;
    let folder = program.folder.path();
    let mut started = json!(null);
    for number in 0..103 {
        let season = if number == 7 { "autumn" } else { "spring" };
        // An address that is not fetched from.
        let body = json!({
            "digital_asset_urls": ["http://127.0.0.1:9/a.jpg"],
            "name": format!("number {number}"),
            "labels": { "season": season },
        });
        started = program.start_batch(&body).await;
    }
    program.completed(&started).await;
    let all = run(folder, &["batches", "--json", "--limit", "1000"]).await;
    let names: Vec<_> = json_lines(&printed(&all, 0))
        .iter()
        .map(|batch| id(&batch["name"]).to_owned())
        .collect();
    let expected: Vec<_> = (0..103).rev().map(|it| format!("number {it}")).collect();
    assert_eq!(names, expected);
    let some = run(folder, &["batches", "--limit", "2"]).await;
    let table = printed(&some, 0);
    let [heads, first, second] = &table.lines().collect::<Vec<_>>()[..] else {
        panic!("{table}");
    };
    assert!(heads.starts_with("BATCH "), "{table}");
    assert!(
        first.contains("  number 102  ") && first.contains("  FAILED  "),
        "{table}"
    );
    assert!(first.contains("0 of 1 completed, 1 failed"), "{table}");
    assert_eq!(first.find("number"), second.find("number"));
    let autumn = run(folder, &["batches", "--label", "season:autumn"]).await;
    let autumn = printed(&autumn, 0);
    assert_eq!(autumn.lines().count(), 2, "{autumn}");
    assert!(autumn.contains("number 7 "), "{autumn}");

    let none = run(folder, &["batches", "--since", "2999-01-01"]).await;
    assert_eq!(printed(&none, 0), "");
    let none = run(folder, &["batches", "--since", "2999-01-01", "--json"]).await;
    assert_eq!((&none.stdout[..], &none.stderr[..]), (&b""[..], &b""[..]));
    let wrong = run(folder, &["batches", "--operation", "No Such"]).await;
    printed(&wrong, 1);
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        said.starts_with("assetmill: invalid_query: the query parameter operation must be"),
        "{said}"
    );
    printed(&run(folder, &["batches", "--since", "soon"]).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_folder_by_asking_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing");
    for arguments in [
        &["batches"][..],
        &["flow", "x"],
        &["results", "x"],
        &["watch", "x"],
        &["retry", "--failed"],
        &["cancel", "--pending"],
    ] {
        let output = run(&nothing, arguments).await;
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("assetmill: nothing is kept in"), "{said}");
        assert!(!nothing.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_explained() {
    let (_, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let path = catalogue.path().display().to_string();
    let options = [
        "--fetch-allow",
        &assets.allow(),
        "--operations",
        &path,
        "--vendor-allow",
        vendor_allow(&url),
    ];
    let program = Program::start_with(&options, &[("VENDOR_KEY", "open sesame")]).await;
    let folder = program.folder.path();
    let of = async |url: &str, operation: &str| {
        let coffee = program.url("/samples/coffee.jpg");
        let body = json!({ "digital_asset_urls": [url, coffee], "operation": operation });
        let started = program.start_batch(&body).await;
        program.settled(&started).await;
        let flow = id(&started["flow_ids"][0]).to_owned();
        (printed(&run(folder, &["flow", &flow]).await, 0), flow)
    };
    let (missing, flow) = of(&assets.url("/status/404"), "thumbnail").await;
    for said in [
        "State      FAILED: it will have no result, since 20",
        "Money      no paid call",
        "    +0.000 s  accepted\n",
        "attempt 1: a worker takes it up\n",
        "failed: source_not_found\n",
        "\nWhy: source_not_found: ",
        "Check the URL.",
        &format!("once that is mended: assetmill retry {flow}\n"),
    ] {
        assert!(missing.contains(said), "{said:?} in {missing}");
    }
    let (paid, flow) = of(&assets.url("/photo/1"), "copy").await;
    for said in [
        "COMPLETED",
        "image/jpeg, ",
        "Money      1 paid call\n",
        "a paid call begins\n",
    ] {
        assert!(paid.contains(said), "{said:?} in {paid}");
    }
    let told = printed(&run(folder, &["flow", &flow, "--json"]).await, 0);
    assert_eq!(json_lines(&told)[0]["state"], "COMPLETED");
    let (refused, _) = of("ftp://example.com/a.jpg", "thumbnail").await;
    assert!(!refused.contains("assetmill retry"), "{refused}");

    let output = run(folder, &["flow", "../batches"]).await;
    printed(&output, 1);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("assetmill: invalid_flow_id: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_told_once_each_when_they_settle() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let folder = program.folder.path();
    let paths = ["/photo/1", "/status/404", "/busy/1", "/photo/2"];
    let started = program
        .start_batch(&assets.body(paths.map(ToOwned::to_owned)))
        .await;
    let batch = id(&started["batch_id"]);
    let mut follows = client(folder, &["results", batch, "--follow"]);
    let mut follows = follows.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = {
        use tokio::io::AsyncBufReadExt as _;
        tokio::io::BufReader::new(follows.stdout.take().unwrap()).lines()
    };
    let mut told = Vec::new();
    for settled in 1..=4 {
        let line = lines.next_line().await.unwrap().unwrap();
        let flow: Value = serde_json::from_str(&line).unwrap();
        assert!(flow["settled_at"].is_string(), "{flow}");
        told.push(id(&flow["digital_asset_url"]).to_owned());
        if settled == 3 {
            // Nothing more can come until now.
            assets.recover();
        }
    }
    assert_eq!(told[3], assets.url("/busy/1"));
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 4);
    assert_eq!(lines.next_line().await.unwrap(), None);
    assert_eq!(follows.wait().await.unwrap().code(), Some(3));

    let all = printed(&run(folder, &["results", batch]).await, 0);
    assert_eq!(json_lines(&all).len(), 4);
    let some = [
        "results",
        batch,
        "--state",
        "FAILED",
        "--code",
        "source_not_found",
    ];
    let some = json_lines(&printed(&run(folder, &some).await, 0));
    assert_eq!(some.len(), 1);
    assert_eq!(some[0]["digital_asset_url"], assets.url("/status/404"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_where_nobody_serves_works() {
    let assets = Assets::serve().await;
    let (folder, started) = left_behind(&assets, &["/busy/1", "/busy/2"]).await;
    let batch = id(&started["batch_id"]);
    assets.recover();
    let allow = assets.allow();
    let watch = async |options: &[&str]| {
        let mut all = vec!["--fetch-allow", &*allow, "watch", batch];
        all.extend(options);
        run(folder.path(), &all).await
    };
    let watched = watch(&[]).await;
    // Nobody looks at a terminal.
    assert_eq!(String::from_utf8_lossy(&watched.stderr), "");
    let line = printed(&watched, 0);
    let expected = format!("{batch} COMPLETED: 2 of 2 completed, in ");
    assert!(line.starts_with(&expected), "{line}");
    assert_eq!(line.lines().count(), 1);
    // As it is done, it is told at once.
    let again = json_lines(&printed(&watch(&["--json"]).await, 0));
    assert_eq!(again[0]["counts"]["completed"], 2);
    assert!(again[0]["flows"].is_null());
}

/// It goes on with the same command.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_a_watch_well() {
    let assets = Assets::serve().await;
    let (folder, started) = left_behind(&assets, &["/busy/1"]).await;
    let batch = id(&started["batch_id"]);
    let allow = assets.allow();
    let arguments = ["--fetch-allow", &allow, "watch", batch];
    let asked = assets.asked("/busy/1");
    let mut watch = client(folder.path(), &arguments);
    let watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped());
    let watch = watch.spawn().unwrap();
    while assets.asked("/busy/1") == asked {
        tokio::task::yield_now().await;
    }
    // Nobody serves any more where somebody did before.
    let held = run(folder.path(), &["batches"]).await;
    printed(&held, 1);
    let said = String::from_utf8(held.stderr).unwrap();
    assert!(said.contains("another assetmill is running"), "{said}");
    let told = printed(&run(folder.path(), &["doctor"]).await, 0);
    assert!(told.contains("is held by a command"), "{told}");

    let pid = watch.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().await;
    assert!(sent.unwrap().success());
    let output = watch.wait_with_output().await.unwrap();
    assert_eq!(printed(&output, 130), "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(&format!("`assetmill watch {batch}` goes on")),
        "{said}"
    );
    assets.recover();
    printed(&run(folder.path(), &arguments).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_tells_what_failed() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let folder = program.folder.path();
    let paths = ["/photo/1", "/status/404", "/status/410", "/status/403"];
    let started = program
        .start_batch(&assets.body(paths.map(ToOwned::to_owned)))
        .await;
    let output = run(folder, &["watch", id(&started["batch_id"])]).await;
    let line = printed(&output, 3);
    let told = "PARTIAL: 1 of 4 completed, 3 failed (source_not_found 2, source_denied 1), in ";
    assert!(line.contains(told), "{line}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("assetmill retry --batch "), "{said}");
    printed(&run(folder, &["watch"]).await, 2);
    let unknown = run(folder, &["watch", id(&started["flow_ids"][0])]).await;
    assert_eq!(printed(&unknown, 1), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_run_again_that_are_meant() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let folder = program.folder.path();
    let paths = ["/status/404", "/status/403", "/photo/1"];
    let started = program
        .start_batch(&assets.body(paths.map(ToOwned::to_owned)))
        .await;
    program.settled(&started).await;
    let batch = id(&started["batch_id"]);
    printed(&run(folder, &["retry"]).await, 2);
    printed(&run(folder, &["retry", "--dry-run"]).await, 2);
    let dry = run(folder, &["retry", "--failed", "--dry-run"]).await;
    assert!(printed(&dry, 0).starts_with("2 flows would be run again"));
    let dry = [
        "retry",
        "--batch",
        batch,
        "--code",
        "source_denied",
        "--dry-run",
    ];
    assert!(printed(&run(folder, &dry).await, 0).starts_with("1 flow would be run again"));
    let asked = assets.asked("/status/403");
    let again = [
        "retry",
        "--code",
        "source_denied",
        "--since",
        "1h",
        "--json",
    ];
    let again = json_lines(&printed(&run(folder, &again).await, 0));
    assert_eq!(again[0]["batches"][0]["retry_of"], batch);
    program.completed(&again[0]["batches"][0]).await;
    assert_eq!(assets.asked("/status/403"), asked + 1);
    let one = run(folder, &["retry", id(&started["flow_ids"][0])]).await;
    let line = printed(&one, 0);
    assert!(
        line.trim_end()
            .ends_with(&format!("1 flow of {batch} again")),
        "{line}"
    );
    let whole = printed(&run(folder, &["retry", "--batch", batch]).await, 0);
    assert!(whole.contains("2 flows of "), "{whole}");
    let none = run(folder, &["retry", id(&started["flow_ids"][2])]).await;
    printed(&none, 1);
    assert!(none.stderr.starts_with(b"assetmill: nothing_to_retry: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_stopped_that_is_meant() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let folder = program.folder.path();
    let paths = ["/patience/1", "/patience/2", "/patience/3"];
    let started = program
        .start_batch(&assets.body(paths.map(ToOwned::to_owned)))
        .await;
    let waits = |results: &Value| {
        let flows = results["flows"].as_array().unwrap();
        flows.iter().all(|flow| flow["waiting"].is_object())
    };
    program.results_when(&started, waits).await;
    let flow = id(&started["flow_ids"][0]);
    let told = printed(&run(folder, &["flow", flow]).await, 0);
    assert!(
        told.contains("\nWaits      the host of the asset asked for patience, until "),
        "{told}"
    );

    printed(&run(folder, &["cancel"]).await, 2);
    let dry = printed(&run(folder, &["cancel", "--pending", "--dry-run"]).await, 0);
    assert_eq!(dry, "3 flows would be stopped; none was.\n");
    let one = printed(&run(folder, &["cancel", flow]).await, 0);
    assert_eq!(one, "1 flow stopped.\n");
    let batch = id(&started["batch_id"]);
    let rest = ["cancel", "--batch", batch, "--url", "patience/2", "--json"];
    let rest = json_lines(&printed(&run(folder, &rest).await, 0));
    assert_eq!(rest[0]["cancelled"], 1);
    let counts = program.results(&started).await["counts"].clone();
    assert_eq!(
        (&counts["cancelled"], &counts["pending"]),
        (&json!(2), &json!(1))
    );
}

/// As `| head -0` does it.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_read_enough_may_go() {
    let program = Program::start(&[]).await;
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let started = program.start_batch(&body).await;
    program.completed(&started).await;
    let flow = id(&started["flow_ids"][0]);
    let batch = id(&started["batch_id"]);
    for arguments in [
        &["batches"][..],
        &["batches", "--json"],
        &["results", batch, "--follow"],
        &["flow", flow],
        &["watch", batch],
        &["retry", "--failed", "--dry-run"],
        &["cancel", "--pending", "--dry-run"],
        &["operations"],
        &["doctor"],
        &["completions", "bash"],
        &["man"],
        &["key", "create", "alice", "--print"],
    ] {
        let mut command = client(program.folder.path(), arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        let code = output.status.code();
        assert_eq!(code, Some(0), "{arguments:?}");
    }
}

/// Of the second step of two, as of each.
#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_a_flow_are_told_apart() {
    let catalogue = "default = \"both\"
        [operations.fit]\ntransform = \"thumbnail\"\nsummary = \"Fits\"
        [operations.shrink]\ntransform = \"convert\"\nsummary = \"Shrinks\"
        [operations.both]\nsummary = \"Both\"
        chain = [{ operation = \"fit\" }, { operation = \"shrink\", params = { max_bytes = 256 } }]";
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), catalogue).unwrap();
    let path = file.path().display().to_string();
    let program = Program::start(&["--operations", &path]).await;
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let started = program.start_batch(&body).await;
    program.settled(&started).await;
    let flow = ["flow", id(&started["flow_ids"][0])];
    let told = printed(&run(program.folder.path(), &flow).await, 0);
    for said in [
        "step 1, attempt 1: the asset is fetched\n",
        "step 1, attempt 1: what it made is kept\n",
        "step 2, attempt 1: failed: budget_not_met\n",
        "\nWhy: budget_not_met: shrink: ",
    ] {
        assert!(told.contains(said), "{said:?} in {told}");
    }
}

/// A server that would move the cursor of whoever reads what it says.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_server_says_acts_on_a_terminal() {
    const TEXT: &str = "\u{1b}[2J\u{9b}1m\u{202e}\nx";
    let batch = json!({
        "batch_id": TEXT, "name": TEXT, "status": TEXT, "operation": TEXT, "digital_asset_count": 1,
        "counts": { "total": 1, "failed": 1 }, "created_at": "2026-01-31T09:30:00Z", "flows": [],
    });
    let flow = json!({
        "flow_id": TEXT, "batch_id": TEXT, "index": 0, "state": "FAILED", "digital_asset_url": TEXT,
        "operation": TEXT, "params": { TEXT: TEXT }, "created_at": "2026-01-31T09:30:00Z",
        "error": { "code": TEXT, "message": TEXT, "retryable": true },
        "unconfirmed_calls": 1, "history": { "left_out": 1, "events": [
            { "at": "2026-01-31T09:30:00Z", "event": "sent_to_vendor", "cost": "paid" },
            { "at": "2026-01-31T09:30:00Z", "event": TEXT },
            { "at": "2026-01-31T09:30:00Z", "event": "waits", "for": TEXT, "code": TEXT },
        ] },
    });
    let failures = json!({ "groups": [{ "code": TEXT, "count": 1 }] });
    let problem = json!({ "status": 409, "code": TEXT, "detail": TEXT }).to_string();
    let batches = json!({ "batches": [batch] });
    let about = json!({ "service": "assetmill", "version": TEXT });
    let says = |value: &Value| {
        let text = value.to_string();
        get(move || std::future::ready(text))
    };
    let router = Router::new()
        .route("/", says(&about))
        .route("/api/v2/batches", says(&batches))
        .route("/api/v2/batches/x", says(&batch))
        .route("/api/v2/batches/x/failures", says(&failures))
        .route("/api/v2/transforms/x", says(&flow))
        .fallback(async || (StatusCode::CONFLICT, problem));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        (&["batches"][..], 0),
        (&["batches", "--json"], 0),
        (&["flow", "x"], 0),
        (&["flow", "x", "--json"], 0),
        (&["watch", "x"], 3),
        (&["retry", "--failed"], 1),
        (&["doctor"], 3),
    ] {
        let output = run(folder.path(), &[arguments, &["--server", &server]].concat()).await;
        let told = printed(&output, code) + &String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("[2J"), "{arguments:?}: {told}");
        let acts = ['\u{1b}', '\u{9b}', '\u{202e}'];
        assert!(!told.contains(acts), "{arguments:?}: {told:?}");
        if arguments == ["flow", "x"] {
            let money = "at least 1 paid call; of 1 call nobody knows whether it was charged\n";
            assert!(told.contains(money), "{told}");
        }
    }
}

/// Refuses whatever comes the first time, and keeps the keys of requests.
#[derive(Clone, Default)]
struct Once(Arc<Mutex<Vec<String>>>);

async fn started_at_the_second_time(State(once): State<Once>, headers: HeaderMap) -> Response {
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let mut keys = once.0.lock().unwrap();
    keys.push(key);
    if keys.len() == 1 {
        let problem = json!({ "status": 503, "code": "busy", "detail": "later" });
        return (StatusCode::SERVICE_UNAVAILABLE, problem.to_string()).into_response();
    }
    let started = json!({ "digital_asset_count": 1, "batches": [], "complete": true });
    (StatusCode::ACCEPTED, started.to_string()).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_refused_for_now_starts_nothing_twice() {
    let once = Once::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/api/v2/flows/retry", post(started_at_the_second_time))
        .with_state(once.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = run(folder.path(), &["retry", "--failed", "--server", &server]).await;
        printed(&output, 0);
    }
    let keys = once.0.lock().unwrap().clone();
    let [first, again, other] = &keys[..] else {
        panic!("{keys:?}");
    };
    assert_eq!(first, again);
    assert_ne!(again, other);
}
