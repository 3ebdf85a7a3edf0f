//! Each built-in operation on the sample photograph: `cargo bench -p assetmill-operations`. Beside sharp, see
//! `just bench-images`.

#![allow(clippy::unwrap_used, reason = "a measurement that can't go on ends")]
#![allow(
    missing_docs,
    reason = "criterion's macros write functions without them"
)]

use assetmill_core::Asset;
use assetmill_images::{Bounds, Codecs};
use assetmill_operations::catalogue;
use assetmill_operations::fetch::{AllowList, GuardedClient};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

const PHOTOGRAPH: &[u8] = include_bytes!("../../../localstack/samples/coffee.jpg");
const CATALOGUE: &str = include_str!("../../../operations.toml");
const OVERLAY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../images/tests/fixtures/overlay.png"
);

fn operations(criterion: &mut Criterion) {
    let client = GuardedClient::new(AllowList::default()).unwrap();
    let overlay = format!("overlay = {OVERLAY:?}");
    let text = CATALOGUE.replace("# overlay = \"logo.png\"", &overlay);
    let catalogue = catalogue::load(
        &text,
        "operations.toml",
        &client,
        &Codecs::in_process(Bounds::default()),
        &|_| None,
    )
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let cases: [(&str, &str, Value); 8] = [
        (
            "thumbnail",
            "thumbnail",
            json!({ "width": 200, "height": 200 }),
        ),
        (
            "resize",
            "resize",
            json!({ "width": 300, "fit": "crop", "height": 300 }),
        ),
        ("convert to png", "convert", json!({ "format": "png" })),
        ("convert to webp", "convert", json!({ "format": "webp" })),
        ("convert to avif", "convert", json!({ "format": "avif" })),
        ("optimize", "optimize", json!({})),
        ("watermark", "watermark", json!({})),
        ("inspect", "inspect", json!({})),
    ];
    for (title, name, given) in cases {
        let operation = catalogue.get(name).unwrap();
        let schema = &operation.description().params;
        let params = schema.accept(given.as_object().unwrap()).unwrap();
        criterion.bench_function(title, |bencher| {
            bencher.iter(|| {
                let asset = Asset {
                    url: "https://example.com/coffee.jpg".parse().unwrap(),
                    content: Bytes::from_static(PHOTOGRAPH),
                };
                runtime
                    .block_on(operation.run(&"bench".parse().unwrap(), asset, &params))
                    .unwrap()
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = operations
}
criterion_main!(benches);
