//! SIGKILL at any moment: every flow ends, none is lost, none settles twice, no output is missing.

use std::collections::HashMap;
use std::io::Write as _;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::assets::{Assets, jpeg};
use crate::support::Program;
use crate::vendor::{self, Vendor, catalogue_file};

const SIZE: u32 = 200;

/// What is settled stays as it is, whatever happens after.
fn settled(results: &Value) -> HashMap<String, Value> {
    let flows = results["flows"].as_array().unwrap().iter();
    flows
        .filter(|flow| flow["settled_at"].is_string())
        .map(|flow| {
            let end = json!([flow["state"], flow["settled_at"], flow["result"]["sha256"]]);
            (flow["flow_id"].as_str().unwrap().to_owned(), end)
        })
        .collect()
}

fn is_settled(results: &Value, at_least: u32) -> bool {
    settled(results).len() >= at_least as usize
}

/// The output of each flow that has one; how many have.
async fn check_outputs(program: &Program, results: &Value) -> usize {
    let mut completed = 0;
    for (number, flow) in (0..).zip(results["flows"].as_array().unwrap()) {
        if flow["state"] != "COMPLETED" {
            continue;
        }
        completed += 1;
        let output = program.fetch(flow["result"]["url"].as_str().unwrap()).await;
        assert_eq!(output.status(), StatusCode::OK, "{flow}");
        assert_eq!(output.bytes().await.unwrap(), jpeg(number), "{flow}");
    }
    completed
}

/// The vendor copies, so that each output is known; a call that may have been charged twice says so.
fn check_charges(vendor: &Vendor, results: &Value) {
    for (number, flow) in (0..).zip(results["flows"].as_array().unwrap()) {
        let told = flow["unconfirmed_calls"].as_u64().unwrap();
        let calls = u64::from(vendor.calls(&jpeg(number)));
        let least = u64::from(flow["state"] == "COMPLETED");
        assert!((least..=1 + told).contains(&calls), "{calls} calls: {flow}");
    }
}

/// Whoever was in flight at one kill and tried alone at two more is blamed, and nobody else: of so many kills, each that
/// comes after the first hits one flow alone at the most.
fn check_blamed(results: &Value, kills: usize) {
    let flows = results["flows"].as_array().unwrap().iter();
    let blamed = flows.filter(|flow| flow["error"]["code"] == "worker_crashed");
    assert!(
        blamed.count() <= kills.saturating_sub(1) / 2,
        "{kills} kills: {results}"
    );
}

/// A program that may call its vendor again unasked, killed at these moments: every flow has its output, but for one
/// that is blamed.
async fn killed_when_settled(moments: &[u32]) {
    let Killed { vendor, results } = killed("copy-again", moments).await;
    check_charges(&vendor, &results);
    check_blamed(&results, moments.len());
    let mut flows = results["flows"].as_array().unwrap().iter();
    let ended =
        |flow: &Value| flow["state"] == "COMPLETED" || flow["error"]["code"] == "worker_crashed";
    assert!(flows.all(ended), "{results}");
}

/// How a batch ended whose program was killed.
struct Killed {
    vendor: Vendor,
    results: Value,
}

async fn killed(operation: &str, moments: &[u32]) -> Killed {
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let mut program = vendor::start(&assets, &url, &catalogue, "open sesame").await;
    let mut body = assets.body((0..SIZE).map(|number| format!("/photo/{number}")));
    body["operation"] = json!(operation);
    let started = program.start_batch(&body).await;
    let mut seen = HashMap::new();
    for moment in moments {
        let results = program
            .results_when(&started, |results| is_settled(results, *moment))
            .await;
        program.kill().await;
        seen.extend(settled(&results));
        program = program.start_again().await;
    }
    let results = program.settled(&started).await;
    let completed = check_outputs(&program, &results).await;
    let ends = settled(&results);
    for (id, end) in seen {
        assert_eq!(ends[&id], end, "{id} settled twice");
    }
    let batch = program.completed(&started).await;
    assert_eq!(batch["counts"]["completed"], completed, "{batch}");
    assert_ne!(batch["status"], "RUNNING");
    Killed { vendor, results }
}

/// A flow whose call was cut off says so, unless the program was killed at it alone twice.
fn check_given_up(flow: &Value) {
    assert_eq!(flow["error"]["retryable"], true, "{flow}");
    match flow["error"]["code"].as_str() {
        Some("vendor_unconfirmed") => assert_eq!(flow["unconfirmed_calls"], 1, "{flow}"),
        Some("worker_crashed") => {}
        _ => panic!("{flow}"),
    }
}

/// Nobody is paid twice unasked: where a call was cut off the flow ends, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn killed_without_leave_to_pay_twice() {
    let Killed { vendor, results } = killed("copy", &[1, 40, 90, 150]).await;
    check_blamed(&results, 4);
    for (number, flow) in (0..).zip(results["flows"].as_array().unwrap()) {
        // The program may have been killed before the request was on its way.
        assert!(vendor.calls(&jpeg(number)) <= 1, "{flow}");
        if flow["state"] != "COMPLETED" {
            check_given_up(flow);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_right_after_the_batch_was_accepted() {
    killed_when_settled(&[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again() {
    killed_when_settled(&[1, 40, 90, 150]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_just_before_and_just_after_the_end() {
    killed_when_settled(&[SIZE - 1, SIZE]).await;
}

/// The caller was not answered, so the batch may be there or not; if it is, it ends.
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_batch_is_submitted() {
    let assets = Assets::serve().await;
    let mut program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let body = assets.body((0..10_000).map(|number| format!("/photo/{}", number % 50)));
    // The answer may come before the kill or not at all.
    let request = program
        .request(reqwest::Method::POST, "/api/v2/transforms")
        .json(&body)
        .send();
    let submitted = tokio::spawn(request);
    // The database grows once rows are written: the submission is in the middle.
    let log = program.folder.path().join("assetmill.db-wal");
    while log.metadata().map_or(0, |log| log.len()) < 200_000 {
        tokio::task::yield_now().await;
    }
    program.kill().await;
    let answered = matches!(submitted.await.unwrap(), Ok(answer) if answer.status().is_success());
    let program = program.start_again().await;
    let (_, list) = program.get_json("/api/v2/batches").await;
    let batches = list["batches"].as_array().unwrap();
    assert!(!answered || batches.len() == 1, "an accepted batch is lost");
    for batch in batches {
        let path = format!("/api/v2/batches/{}", batch["batch_id"].as_str().unwrap());
        let ended = async {
            loop {
                let (_, batch) = program.get_json(&path).await;
                if batch["status"] != "RUNNING" {
                    return batch;
                }
            }
        };
        let patience = std::time::Duration::from_mins(4);
        let batch = tokio::time::timeout(patience, ended).await.unwrap();
        assert_eq!(batch["counts"]["completed"], 10_000, "{batch}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_in_the_middle_of_a_batch() {
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let mut program = vendor::start(&assets, &url, &catalogue, "open sesame").await;
    let mut body = assets.body((0..SIZE).map(|number| format!("/photo/{number}")));
    body["operation"] = json!("copy");
    let started = program.start_batch(&body).await;
    program
        .results_when(&started, |results| is_settled(results, 20))
        .await;
    let (printed, status) = program.terminate().await;
    assert!(status.success(), "{status}");
    assert!(printed.contains("Stopped"), "{printed}");
    let program = program.start_again().await;
    let results = program.settled(&started).await;
    let completed = check_outputs(&program, &results).await;
    assert_eq!(completed, SIZE as usize, "{results}");
    // What was in flight was finished: nobody was paid twice, and nothing is unknown.
    for (number, flow) in (0..).zip(results["flows"].as_array().unwrap()) {
        assert_eq!(vendor.calls(&jpeg(number)), 1);
        assert_eq!(flow["unconfirmed_calls"], 0);
        assert_eq!(flow["attempts"], 1, "{flow}");
    }
}

/// Two vendors, one after the other.
fn chain(first: &str, second: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let head = "default = \"chain\"\n[operations.chain]\nsummary = \"Copies twice\"\n\
        chain = [{ operation = \"first\" }, { operation = \"second\" }]\n";
    write!(file, "{head}").unwrap();
    for (name, url) in [("first", first), ("second", second)] {
        write!(
            file,
            "[operations.{name}]\nsummary = \"Copies\"\n[operations.{name}.vendor]\nmethod = \"POST\"\n\
             url = \"{url}copy\"\nheaders = {{ \"X-Api-Key\" = \"{{env:VENDOR_KEY}}\" }}\n\
             encoding = \"raw\"\nasset = {{ as = \"file\" }}\nresult = {{ kind = \"body\" }}\n"
        )
        .unwrap();
    }
    file
}

/// What the first vendor made is kept: whatever happens to the second's part, nobody pays the first again.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_killed_again_and_again_pays_no_vendor_twice() {
    const SIZE: u32 = 40;
    let (first, first_url) = Vendor::serve().await;
    let (second, second_url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = chain(&first_url, &second_url);
    let both = [&first_url, &second_url].map(|url| vendor::vendor_allow(url));
    let options = [
        "--fetch-allow",
        &assets.allow(),
        "--vendor-allow",
        &both.join(","),
        "--operations",
        catalogue.path().to_str().unwrap(),
        "--workers",
        "4",
    ];
    let mut program = Program::start_with(&options, &[("VENDOR_KEY", "open sesame")]).await;
    let body = assets.body((0..SIZE).map(|number| format!("/photo/{number}")));
    let started = program.start_batch(&body).await;
    for moment in [3, 12, 24] {
        program
            .results_when(&started, |results| is_settled(results, moment))
            .await;
        program.kill().await;
        program = program.start_again().await;
    }
    let results = program.settled(&started).await;
    check_outputs(&program, &results).await;
    check_blamed(&results, 3);
    for (number, flow) in (0..).zip(results["flows"].as_array().unwrap()) {
        let calls = [&first, &second].map(|vendor| vendor.calls(&jpeg(number)));
        assert!(calls.iter().all(|calls| *calls <= 1), "{calls:?}: {flow}");
        if flow["state"] == "COMPLETED" {
            assert_eq!(calls, [1, 1], "{flow}");
        } else {
            check_given_up(flow);
        }
    }
}
