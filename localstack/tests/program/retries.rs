//! What may go away by itself is tried again; what will not, is not.

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
