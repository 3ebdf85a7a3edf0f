//! What an operator reads: the log, and how the program ends.

use serde_json::json;
use tokio::process::Command;

use crate::assets::Assets;
use crate::support::Program;

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    feature = "deployed",
    ignore = "reads the log of a process of the tests"
)]
async fn a_batch_is_one_line_of_the_log_and_a_flow_is_none() {
    let mut program = Program::start_with(&[], &[("ASSETMILL_LOG", "info")]).await;
    let sample = program.url("/samples/coffee.jpg");
    let urls: Vec<_> = (0..20).map(|number| format!("{sample}?{number}")).collect();
    let started = program
        .start_batch(&json!({ "digital_asset_urls": urls, "operation": "inspect" }))
        .await;
    program.completed(&started).await;
    program.terminate().await;
    let log = program.log();
    let of_batch = log.matches(started["batch_id"].as_str().unwrap()).count();
    assert_eq!(of_batch, 1, "{log}");
    for flow in started["flow_ids"].as_array().unwrap() {
        assert!(!log.contains(flow.as_str().unwrap()), "{log}");
    }
}

/// Whoever stops the program is told what it waits for and how long; and that is not for what never comes.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "stops a process of the tests")]
async fn a_stop_says_what_it_waits_for_and_for_how_long() {
    let assets = Assets::serve().await;
    let mut program = Program::start(&["--fetch-allow", "127.0.0.1"]).await;
    let body = assets.body(["/hang/1".to_owned(), "/hang/2".to_owned()]);
    let started = program.start_batch(&body).await;
    let at_work = |results: &serde_json::Value| results["counts"]["running"] == 2;
    program.results_when(&started, at_work).await;
    let pid = program.pid().to_string();
    let stopping = program.next_line_after_terminate().await;
    assert_eq!(
        stopping,
        "Stopping. Flows in work: 2; in 60 s the rest goes back to the queue, or at once at another Ctrl-C."
    );
    let again = Command::new("kill").args(["-INT", &pid]).status().await;
    assert!(again.unwrap().success());
    let (printed, status) = program.ended().await;
    assert!(status.success());
    assert!(printed.contains("Stopped; 2 flows"), "{printed}");
}
