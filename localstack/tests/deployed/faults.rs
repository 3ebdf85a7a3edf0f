//! What goes wrong between SQS and Lambda. Workers are killed here, so these tests run one at a time and
//! without others: `cargo test --test deployed -- faults:: --ignored --test-threads=1`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use assetmill_aws::{Clients, Queue};
use assetmill_core::FlowMessage;
use assetmill_core::ports::{FlowQueue as _, Outgoing};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use crate::assets::Assets;
use crate::support::{Program, assert_same_counts};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// The queue at the URL that a variable holds, whose messages come again soon.
async fn queue(name: &str) -> (Clients, String) {
    let clients = Clients::from_env().await;
    let url = variable(name);
    let set = clients.sqs().set_queue_attributes().queue_url(&url);
    let soon = set.attributes(QueueAttributeName::VisibilityTimeout, "3");
    soon.send().await.unwrap();
    (clients, url)
}

fn messages(started: &Value) -> Vec<Outgoing> {
    let ids = started["flow_ids"].as_array().unwrap().iter();
    ids.map(|id| {
        // Only whoever shares a queue fairly looks at the tenant.
        let tenant = "anybody".parse().unwrap();
        let id = id.as_str().unwrap().parse().unwrap();
        Outgoing::now(FlowMessage::new(id, tenant))
    })
    .collect()
}

async fn assert_batch_agrees(program: &Program, started: &Value, results: &Value) {
    assert_same_counts(&program.completed(started).await, results);
}

/// Sends a signal to every worker.
fn signal_workers(signal: &str) {
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment);
        let is_worker = environment.split('\0').any(|variable| {
            variable.starts_with("AWS_LAMBDA_FUNCTION_NAME=") && variable.contains("WorkerFunction")
        });
        if is_worker {
            let pid = process.file_name().into_string().unwrap();
            Command::new("kill").args([signal, &pid]).status().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "kills workers, and runs alone: faults:: --ignored --test-threads=1"]
async fn a_message_that_comes_three_times_is_worked_on_once() {
    let (clients, url) = queue("ASSETMILL_TEST_QUEUE_URL").await;
    let assets = Assets::serve().await;
    let program = Program::start(&[]).await;
    let body = assets.body((0..20).map(|number| format!("/slow/{number}")));
    let started = program.start_batch(&body).await;
    for _ in 0..2 {
        let again = Queue::new(&clients, &url);
        again.send(&messages(&started)).await.unwrap();
    }
    let results = program.settled(&started).await;
    assert_eq!(results["counts"]["completed"], 20, "{}", results["counts"]);
    for flow in results["flows"].as_array().unwrap() {
        assert_eq!(flow["attempts"], 1, "{flow}");
    }
    assert_batch_agrees(&program, &started, &results).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "kills workers, and runs alone: faults:: --ignored --test-threads=1"]
async fn a_message_that_can_not_be_read_is_a_dead_letter_and_harms_no_other() {
    let (clients, url) = queue("ASSETMILL_TEST_QUEUE_URL").await;
    let assets = Assets::serve().await;
    let program = Program::start(&[]).await;
    let message = clients.sqs().send_message().queue_url(&url);
    let unreadable = message.message_body("{\"flow_id\": \"nonsense\"}");
    unreadable.send().await.unwrap();
    let body = assets.body((0..10).map(|number| format!("/slow/{number}")));
    let started = program.start_batch(&body).await;
    let results = program.settled(&started).await;
    assert_eq!(results["counts"]["completed"], 10, "{}", results["counts"]);
    let dead_letters = variable("ASSETMILL_TEST_DEAD_LETTER_QUEUE_URL");
    let both_empty = async {
        while waiting(&clients, &url).await + waiting(&clients, &dead_letters).await > 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let patience = Duration::from_mins(2);
    let emptied = tokio::time::timeout(patience, both_empty).await;
    emptied.expect("the message goes through the dead-letter queue to the janitor");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "kills workers, and runs alone: faults:: --ignored --test-threads=1"]
async fn a_dead_letter_ends_its_flow_as_failed() {
    let (clients, _) = queue("ASSETMILL_TEST_QUEUE_URL").await;
    let assets = Assets::serve().await;
    let program = Program::start(&[]).await;
    let started = program
        .start_batch(&assets.body(["/fatal/hangs".to_owned()]))
        .await;
    let url = variable("ASSETMILL_TEST_DEAD_LETTER_QUEUE_URL");
    let dead_letters = Queue::new(&clients, url);
    dead_letters.send(&messages(&started)).await.unwrap();
    let results = program.settled(&started).await;
    assert_eq!(results["flows"][0]["state"], "FAILED");
    assert_eq!(results["flows"][0]["error"]["code"], "worker_crashed");
    assert_batch_agrees(&program, &started, &results).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "kills workers, and runs alone: faults:: --ignored --test-threads=1"]
async fn a_worker_that_dies_in_the_middle_of_a_batch_loses_nothing() {
    queue("ASSETMILL_TEST_QUEUE_URL").await;
    let assets = Assets::serve().await;
    assets.when_asked("/fatal/once-dies", || signal_workers("-KILL"));
    finishes(&assets, "/fatal/once-dies").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "kills workers, and runs alone: faults:: --ignored --test-threads=1"]
async fn a_worker_that_times_out_loses_nothing() {
    queue("ASSETMILL_TEST_QUEUE_URL").await;
    let assets = Assets::serve().await;
    assets.when_asked("/fatal/once-stops", || signal_workers("-STOP"));
    finishes(&assets, "/fatal/once-stops").await;
}

/// A batch with an asset that brings its worker down the first time it is asked for.
async fn finishes(assets: &Assets, fatal: &str) {
    let program = Program::start(&[]).await;
    let mut paths: Vec<_> = (0..9).map(|number| format!("/slow/{number}")).collect();
    paths.insert(4, fatal.to_owned());
    let started = program.start_batch(&assets.body(paths)).await;
    let results = program.settled(&started).await;
    assert_eq!(results["counts"]["completed"], 10, "{}", results["counts"]);
    // What is cut off within a second was not claimed, and counts as no attempt.
    assert_eq!(assets.asked(fatal), 2, "{}", results["flows"][4]);
    assert_batch_agrees(&program, &started, &results).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "kills workers, and runs alone: faults:: --ignored --test-threads=1"]
async fn a_message_that_kills_every_worker_ends_as_failed() {
    queue("ASSETMILL_TEST_QUEUE_URL").await;
    let assets = Assets::serve().await;
    assets.when_asked("/fatal/poison", || signal_workers("-KILL"));
    let program = Program::start(&[]).await;
    let started = program
        .start_batch(&assets.body(["/fatal/poison".to_owned()]))
        .await;
    let patience = Duration::from_mins(8);
    let results = program
        .results_within(patience, &started, |results| {
            results["status"] != json!("RUNNING")
        })
        .await;
    assert_eq!(results["flows"][0]["state"], "FAILED", "{results}");
    assert_eq!(results["flows"][0]["error"]["code"], "worker_crashed");
    assert_batch_agrees(&program, &started, &results).await;
}

/// How many messages a queue has, visible or not.
async fn waiting(clients: &Clients, url: &str) -> u32 {
    let read = clients
        .sqs()
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .unwrap();
    let attributes = read.attributes.unwrap_or_default();
    [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ]
    .iter()
    .filter_map(|name| attributes.get(name)?.parse::<u32>().ok())
    .sum()
}
