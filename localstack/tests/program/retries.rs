//! What may go away by itself is tried again; what will not, is not.

use std::io::Write as _;

use reqwest::StatusCode;
use serde_json::json;

use crate::assets::Assets;
use crate::support::Program;
use crate::vendor::catalogue_file;

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_out_of_order_is_asked_again() {
    let assets = Assets::serve().await;
    let catalogue = catalogue_file("http://127.0.0.1:9/");
    let path = catalogue.path().display().to_string();
    let options = ["--fetch-allow", &assets.allow(), "--operations", &path];
    let program = Program::start(&options).await;
    let paths = ["/flaky/1", "/status/503", "/status/404"].map(ToOwned::to_owned);
    let started = program.start_batch(&assets.body(paths)).await;
    let results = program.settled(&started).await;
    let flows = &results["flows"];
    assert_eq!(flows[0]["state"], "COMPLETED", "{}", flows[0]);
    assert_eq!(flows[0]["attempts"], 3);
    assert_eq!(flows[1]["error"]["code"], "source_unavailable");
    assert_eq!(flows[1]["error"]["retryable"], true);
    assert_eq!(flows[1]["attempts"], 4);
    assert_eq!(assets.asked("/status/503"), 4);
    assert_eq!(flows[2]["attempts"], 1);
    assert_eq!(assets.asked("/status/404"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_costs_no_attempt() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let started = program
        .start_batch(&assets.body(["/throttled/1".to_owned()]))
        .await;
    let waiting = program
        .results_when(&started, |results| !results["flows"][0]["error"].is_null())
        .await;
    assert_eq!(waiting["flows"][0]["state"], "PENDING");
    assert_eq!(waiting["flows"][0]["error"]["code"], "source_throttled");
    assert!(waiting["flows"][0]["not_before"].is_string());
    let results = program.settled(&started).await;
    assert_eq!(results["flows"][0]["state"], "COMPLETED");
    assert_eq!(results["flows"][0]["attempts"], 1);
    assert_eq!(assets.asked("/throttled/1"), 2);
    assert_eq!(results["flows"][0]["error"], json!(null));
}

/// What is made of a picture is made by the first, and is too large for the second.
#[tokio::test(flavor = "multi_thread")]
async fn failures_tell_at_which_step_of_a_chain() {
    let catalogue = "default = \"shot\"
        [operations.fit]\ntransform = \"thumbnail\"\nsummary = \"Fits\"
        [operations.shrink]\ntransform = \"convert\"\nsummary = \"Shrinks\"
        [operations.shot]\nsummary = \"Both\"
        chain = [{ operation = \"fit\" }, { operation = \"shrink\", params = { max_bytes = 256 } }]";
    let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    file.write_all(catalogue.as_bytes()).unwrap();
    let program = Program::start(&["--operations", &file.path().display().to_string()]).await;
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let started = program.start_batch(&body).await;
    program.settled(&started).await;
    let (_, failures) = program.get_json("/api/v2/failures").await;
    let group = &failures["groups"][0];
    assert_eq!(group["code"], "budget_not_met", "{failures}");
    assert_eq!(group["step"], "shrink");
    let again = format!(
        "/api/v2/flows/retry?group={}",
        group["id"].as_str().unwrap()
    );
    let (status, retried) = program
        .post_json(&again, &json!({ "flow_ids": started["flow_ids"] }))
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{retried}");
    assert_eq!(retried["batches"][0]["retry_of"], started["batch_id"]);
}
