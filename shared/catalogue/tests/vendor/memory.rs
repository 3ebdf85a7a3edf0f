//! The memory that answers take: a vendor that answers with ten times what it was sent.

use std::sync::Arc;

use assetmill_core::ports::Sources as _;
use assetmill_core::{Asset, Operation, Params, Product};
use assetmill_fetch::{AllowList, FetchLimits, Fetcher, GuardedClient, Memory, OriginLimits};
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::json;

use crate::stub::{PNG, Received, Stub, operation_through};

const ASSET: usize = 100_000;
/// What is answered to an asset.
const ANSWER: usize = 10 * ASSET;
/// Room for nine assets of one tenant, each of which weighs three times its size, and for none of their answers.
const MEMORY: u64 = 4_000_000;
const CALLS: usize = 32;

/// `/asset` is an asset, `/encoded` answers in base64, `/unsaid` does not say how much it answers.
fn answer(received: &Received) -> Response {
    let product = || [PNG, &vec![7; ANSWER - PNG.len()]].concat();
    match received.target.as_str() {
        "/asset" => vec![1; ASSET].into_response(),
        "/encoded" => axum::Json(json!({ "file": STANDARD.encode(product()) })).into_response(),
        "/unsaid" => {
            let parts = product()
                .chunks(50_000)
                .map(Bytes::copy_from_slice)
                .collect();
            let parts: Vec<Bytes> = parts;
            Body::from_stream(stream::iter(parts.into_iter().map(Ok::<_, std::io::Error>)))
                .into_response()
        }
        _ => product().into_response(),
    }
}

struct World {
    stub: Stub,
    memory: Memory,
    fetcher: Fetcher,
    client: GuardedClient,
}

async fn world() -> World {
    let stub = Stub::start(answer).await;
    let memory = Memory::of(MEMORY);
    let client = GuardedClient::new(AllowList::default().with(stub.address)).unwrap();
    let origins = OriginLimits {
        connections: 64.try_into().unwrap(),
        rate: 1000.try_into().unwrap(),
    };
    World {
        fetcher: Fetcher::new(client.clone(), FetchLimits::default(), origins).within(&memory),
        client: client.answered_within(&memory),
        memory,
        stub,
    }
}

impl World {
    fn operation(&self, path: &str, result: &str) -> Arc<dyn Operation> {
        let address = self.stub.address;
        let text = format!(
            "default = \"v\"
             [operations.v]
             summary = \"Answers much\"
             [operations.v.vendor]
             method = \"POST\"
             url = \"http://{address}{path}\"
             encoding = \"raw\"
             asset = {{ as = \"file\" }}
             result = {result}
            "
        );
        operation_through(&self.client, "v", &text)
    }

    /// Fetches an asset, when there is room for it, and has it worked on.
    async fn call(&self, operation: &dyn Operation, tenant: &str) -> Product {
        let tenant = tenant.parse().unwrap();
        let url = format!("http://{}/asset", self.stub.address);
        let url = url.parse().unwrap();
        let asset = loop {
            // Whoever has no room for long comes again.
            if let Ok(asset) = self.fetcher.fetch(&tenant, &url).await {
                break asset;
            }
        };
        let made = operation.run(&tenant, asset, &Params::default()).await;
        made.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_ten_times_as_large_as_assets_all_come_and_one_goes_beyond_the_room() {
    for (path, result, weight) in [
        ("/said", r#"{ kind = "body" }"#, 1),
        ("/unsaid", r#"{ kind = "body" }"#, 1),
        // Text, the document that it is, and what it is decoded to.
        ("/encoded", r#"{ kind = "base64", at = "/file" }"#, 4),
    ] {
        let world = world().await;
        let operation = world.operation(path, result);
        let calls = (0..CALLS).map(|number| {
            let tenant = if number % 4 == 0 { "small" } else { "large" };
            let call = world.call(operation.as_ref(), tenant);
            // What was made is stored, and then nobody needs it any more.
            async { call.await.content.len() }
        });
        for length in join_all(calls).await {
            assert_eq!(length, ANSWER, "{path}");
        }
        let bound = MEMORY + weight * ANSWER as u64;
        let most = world.memory.most_held();
        assert!(most <= bound, "{path}: {most} of {bound}");
        assert!(most > MEMORY / 2, "{path}: answers took no room");
    }
}

/// What was reserved for its answer is not reserved twice.
#[tokio::test]
async fn an_answer_no_larger_than_its_asset_takes_no_more_room() {
    let world = world().await;
    let operation = world.operation("/asset", r#"{ kind = "body" }"#);
    let product = world.call(operation.as_ref(), "acme").await;
    assert_eq!(product.content.len(), ASSET);
    assert_eq!(world.memory.most_held(), 3 * ASSET as u64);
}

#[tokio::test]
async fn a_product_has_room_until_nobody_needs_it() {
    let world = world().await;
    let operation = world.operation("/said", r#"{ kind = "body" }"#);
    let asset = Asset {
        url: "https://source.test/a".parse().unwrap(),
        content: Bytes::from_static(b"asset"),
    };
    let tenant = "acme".parse().unwrap();
    let params = Params::default();
    let run = || operation.run(&tenant, asset.clone(), &params);
    let first = run().await.unwrap();
    let alone = world.memory.most_held();
    let clone = first.content.clone();
    drop(first);
    let second = run().await.unwrap();
    assert_eq!(world.memory.most_held(), 2 * alone);
    drop((clone, second));
    run().await.unwrap();
    assert_eq!(world.memory.most_held(), 2 * alone);
}
