//! What happened lately, counted.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Program;

pub(crate) const PATH: &str = "/api/v2/activity";

/// Completed, failed and cancelled flows, and paid calls, in all intervals.
pub(crate) fn sums(activity: &Value) -> [u64; 4] {
    let points = activity["points"].as_array().unwrap();
    ["completed", "failed", "cancelled", "paid_calls"].map(|name| {
        let counts = points.iter().map(|point| point[name].as_u64().unwrap());
        counts.sum()
    })
}

/// What is told, once it adds up to as many flows.
async fn told(program: &Program, flows: u64) -> [u64; 4] {
    let until_told = async {
        loop {
            let (status, activity) = program.get_json(PATH).await;
            assert_eq!(status, StatusCode::OK, "{activity}");
            let sums = sums(&activity);
            if sums[..3].iter().sum::<u64>() >= flows {
                return sums;
            }
        }
    };
    let patience = std::time::Duration::from_mins(1);
    if let Ok(sums) = tokio::time::timeout(patience, until_told).await {
        return sums;
    }
    panic!("not in time: {}", program.get_json(PATH).await.1)
}

#[tokio::test(flavor = "multi_thread")]
async fn how_flows_ended_is_counted() {
    let program = Program::start(&[]).await;
    let sample = program.url("/samples/coffee.jpg");
    let urls = [&*sample, "ftp://example.com/a.jpg", &*format!("{sample}?2")];
    let body = json!({ "digital_asset_urls": urls });
    let started = program.start_batch(&body).await;
    program.settled(&started).await;
    // No row tells of this one.
    let body = json!({ "digital_asset_url": sample });
    let answer = program.post("/api/v1/transform", &body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(told(&program, 4).await, [3, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    feature = "deployed",
    ignore = "asks for more rows than Lambda returns"
)]
async fn what_is_cancelled_is_counted_as_the_batch_counts_it() {
    let program = Program::start(&[]).await;
    let sample = program.url("/samples/coffee.jpg");
    let urls: Vec<_> = (0..2_000)
        .map(|number| format!("{sample}?n={number}"))
        .collect();
    let body = json!({ "digital_asset_urls": urls, "operation": "inspect" });
    let started = program.start_batch(&body).await;
    let batch = format!("/api/v2/batches/{}", started["batch_id"].as_str().unwrap());
    let cancel = format!("{batch}/cancel");
    program.post_json(&cancel, &json!({})).await;
    let counts = program.completed(&started).await["counts"].clone();
    let cancelled = counts["cancelled"].as_u64().unwrap();
    assert!(cancelled > 0, "{counts}");
    assert_eq!(
        told(&program, 2_000).await,
        [2_000 - cancelled, 0, cancelled, 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "has keys of its own")]
async fn others_see_nothing_of_it() {
    let (alice, bob) = ("alice-alice-alice-alice", "bob-bob-bob-bob-bob-bob");
    let keys = format!("alice:{alice},bob:{bob}");
    let program = Program::start(&["--api-keys", &keys]).await;
    let body = json!({ "digital_asset_url": program.url("/samples/coffee.jpg") });
    let answer = program.request(Method::POST, "/api/v1/transform");
    let answer = answer.bearer_auth(alice).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let ask = async |key: &str| {
        let request = program.request(Method::GET, PATH).bearer_auth(key);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let until_told = async {
        while sums(&ask(alice).await) != [1, 0, 0, 0] {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_mins(1);
    let in_time = tokio::time::timeout(patience, until_told).await;
    assert!(in_time.is_ok(), "{}", ask(alice).await);
    assert_eq!(sums(&ask(bob).await), [0; 4]);
}
