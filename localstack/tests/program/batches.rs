//! `/api/v2`: batches that run in the background.

use std::time::Instant;

use image::ImageFormat;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::assets::Assets;
use crate::support::{Program, assert_same_counts, picture};

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_accepted_and_runs() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let body = assets.body((0..50).map(|number| format!("/slow/{number}")));
    let started = program.start_batch(&body).await;
    assert_eq!(started["status"], "RUNNING");
    assert_eq!(started["digital_asset_count"], 50);
    assert_eq!(started["message"], "Started processing 50 digital assets");
    assert_eq!(started["flow_ids"].as_array().unwrap().len(), 50);

    let partial = program
        .results_when(&started, |results| results["counts"]["completed"] != 0)
        .await;
    assert_eq!(partial["counts"]["total"], 50);

    let results = program.settled(&started).await;
    assert_eq!(results["status"], "COMPLETED", "{}", results["counts"]);
    for (flow, id) in rows(&results).iter().zip(rows_of(&started["flow_ids"])) {
        assert_eq!(&flow["flow_id"], id);
        assert_eq!(flow["attempts"], 1);
        let content = program.fetch(flow["result"]["url"].as_str().unwrap()).await;
        assert_eq!(content.status(), StatusCode::OK);
        let content = content.bytes().await.unwrap();
        assert_eq!(flow["result"]["bytes"], content.len());
        assert_eq!(picture(&content), (ImageFormat::Jpeg, 400, 300));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_asked_for_in_two_forms() {
    let program = Program::start(&[]).await;
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let started = program.start_batch(&body).await;
    let bare = program.settled(&started).await;
    let wrapped = json!({ "flow_ids": started["flow_ids"] });
    let (_, wrapped) = program
        .post_json("/api/v2/transforms/results", &wrapped)
        .await;
    assert_eq!(
        bare["flows"][0]["result"]["sha256"],
        wrapped["flows"][0]["result"]["sha256"]
    );

    let id = started["flow_ids"][0].as_str().unwrap();
    let (status, flow) = program.get_json(&format!("/api/v2/transforms/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(flow["state"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_flow_is_a_row_among_the_others() {
    let program = Program::start(&[]).await;
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let started = program.start_batch(&body).await;
    program.settled(&started).await;
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    let ids = json!([unknown, started["flow_ids"][0]]);
    let (_, results) = program.post_json("/api/v2/transforms/results", &ids).await;
    assert_eq!(
        results["flows"][0],
        json!({ "flow_id": unknown, "state": "NOT_FOUND" })
    );
    assert_eq!(results["flows"][1]["state"], "COMPLETED");
    assert_eq!(results["counts"]["not_found"], 1);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    feature = "deployed",
    ignore = "the guard was told to let this machine through"
)]
async fn a_bad_url_among_good_ones_is_a_failed_row() {
    let program = Program::start(&[]).await;
    let sample = program.url("/samples/coffee.jpg");
    let urls = json!([
        sample,
        "ftp://example.com/a.jpg",
        "https://alice:secret@example.com/a.jpg",
        "http://127.0.0.1:1/a.jpg",
        "http://[::ffff:169.254.169.254]/latest",
        sample
    ]);
    let started = program
        .start_batch(&json!({ "digital_asset_urls": urls }))
        .await;
    let results = program.settled(&started).await;
    let ends: Vec<_> = rows(&results)
        .iter()
        .map(|flow| flow["error"]["code"].as_str().unwrap_or("completed"))
        .collect();
    let expected = [
        "completed",
        "unsupported_scheme",
        "credentials_in_url",
        "source_refused",
        "source_refused",
        "completed",
    ];
    assert_eq!(ends, expected);
    assert!(!results.to_string().contains("secret"), "{results}");
    assert_same_counts(&program.completed(&started).await, &results);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    feature = "deployed",
    ignore = "starts two workers, and asks for more rows than Lambda returns"
)]
async fn ten_thousand_assets_are_accepted_before_any_is_processed() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow(), "--workers", "2"]).await;
    let body = assets.body((0..10_000).map(|number| format!("/slow/{number}")));
    let began = Instant::now();
    let started = program.start_batch(&body).await;
    let accepted_after = began.elapsed();
    assert_eq!(started["flow_ids"].as_array().unwrap().len(), 10_000);
    let results = program.results(&started).await;
    let counts = &results["counts"];
    assert_eq!(counts["total"], 10_000);
    assert!(
        counts["pending"].as_u64().unwrap() > 5_000,
        "{counts} after {accepted_after:?}"
    );

    // What has not started can be stopped.
    let batch = format!("/api/v2/batches/{}", started["batch_id"].as_str().unwrap());
    let (status, cancelled) = program
        .post_json(&format!("{batch}/cancel"), &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK, "{cancelled}");
    let results = program.settled(&started).await;
    assert_eq!(results["counts"]["cancelled"], cancelled["cancelled"]);
    assert!(
        cancelled["cancelled"].as_u64().unwrap() > 5_000,
        "{cancelled}"
    );
    let (_, batch) = program.get_json(&batch).await;
    assert_same_counts(&batch, &results);
}

/// Even where each flow is so quick that the workers are as fast as the one who cancels.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    feature = "deployed",
    ignore = "asks for more rows than Lambda returns"
)]
async fn cancelling_overtakes_the_workers() {
    let program = Program::start(&[]).await;
    let sample = program.url("/samples/coffee.jpg");
    let urls: Vec<_> = (0..5_000)
        .map(|number| format!("{sample}?n={number}"))
        .collect();
    let started = program
        .start_batch(&json!({ "digital_asset_urls": urls }))
        .await;
    let batch = format!("/api/v2/batches/{}", started["batch_id"].as_str().unwrap());
    let (_, cancelled) = program
        .post_json(&format!("{batch}/cancel"), &json!({}))
        .await;
    assert!(
        cancelled["cancelled"].as_u64().unwrap() > 1_000,
        "{cancelled}"
    );
    program.settled(&started).await;
    let batch = program.completed(&started).await;
    assert_eq!(batch["counts"]["cancelled"], cancelled["cancelled"]);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    feature = "deployed",
    ignore = "asks for more rows than Lambda returns"
)]
async fn a_batch_may_be_refused_but_for_one() {
    let program = Program::start(&[]).await;
    let mut urls = vec!["ftp://example.com/a.jpg".to_owned(); 9_999];
    urls.push(program.url("/samples/coffee.jpg"));
    let started = program
        .start_batch(&json!({ "digital_asset_urls": urls }))
        .await;
    let results = program.settled(&started).await;
    assert_eq!(results["counts"]["failed"], 9_999);
    assert_eq!(results["counts"]["completed"], 1);
    program.completed(&started).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "S3 makes and checks its URLs itself")]
async fn a_link_can_be_neither_altered_nor_made_up() {
    let program = Program::start(&[]).await;
    let body = json!({ "digital_asset_urls": [program.url("/samples/coffee.jpg")] });
    let started = program.start_batch(&body).await;
    let results = program.settled(&started).await;
    let url = results["flows"][0]["result"]["url"].as_str().unwrap();
    let expires = url
        .split("expires=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let later = (expires.parse::<i64>().unwrap() + 60).to_string();
    for forged in [
        url.replace(expires, &later),
        url.split('?').next().unwrap().to_owned(),
        format!("{}x", &url[..url.len() - 2]),
        url.replace("outputs/local/", "outputs/other/"),
    ] {
        let refused = program.fetch(&forged).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{forged}");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], "link_refused");
    }
    for elsewhere in [
        "/outputs/local/..%2f..%2fsigning-key",
        "/outputs/local/x",
        "/outputs",
    ] {
        let unknown = program.fetch(&program.url(elsewhere)).await;
        assert_eq!(unknown.status(), StatusCode::NOT_FOUND, "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_runs_again_in_a_new_batch() {
    let assets = Assets::serve().await;
    let program = Program::start(&["--fetch-allow", &assets.allow()]).await;
    let paths = ["/photo/1", "/status/404", "/lie/html"].map(ToOwned::to_owned);
    let started = program.start_batch(&assets.body(paths)).await;
    program.settled(&started).await;
    let batch = started["batch_id"].as_str().unwrap();
    let (status, retried) = program
        .post_json(&format!("/api/v2/batches/{batch}/retry"), &json!({}))
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{retried}");
    assert_eq!(retried["digital_asset_count"], 2);
    assert_eq!(retried["retry_of"], batch);
    let results = program.settled(&retried).await;
    assert_eq!(results["counts"]["failed"], 2);
    let (_, list) = program.get_json("/api/v2/batches").await;
    let ids: Vec<_> = rows_of(&list["batches"])
        .iter()
        .map(|batch| batch["batch_id"].clone())
        .collect();
    assert_eq!(
        ids,
        [retried["batch_id"].clone(), started["batch_id"].clone()]
    );
}

fn rows(results: &Value) -> &Vec<Value> {
    rows_of(&results["flows"])
}

fn rows_of(list: &Value) -> &Vec<Value> {
    list.as_array().unwrap()
}
