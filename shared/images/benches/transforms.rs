//! Each built-in transform on the sample photograph: `cargo bench -p assetmill-images`. Beside sharp, see
//! `just bench-images`.

#![allow(clippy::unwrap_used, reason = "a measurement that can't go on ends")]
#![allow(
    missing_docs,
    reason = "criterion's macros write functions without them"
)]

use std::sync::Arc;

use assetmill_core::{Asset, Operation as _};
use assetmill_images::{Bounds, Builtin, Codecs, Overlay, Settings, Transform};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

const PHOTOGRAPH: &[u8] = include_bytes!("../../../localstack/samples/coffee.jpg");
const OVERLAY: &[u8] = include_bytes!("../tests/fixtures/overlay.png");

fn built_in(transform: Transform) -> Builtin {
    let settings = Settings {
        overlay: Some(Arc::new(Overlay::read(OVERLAY).unwrap())),
        ..Settings::new(
            "bench".parse().unwrap(),
            transform,
            Codecs::in_process(Bounds::default()),
        )
    };
    Builtin::new(transform, settings)
}

fn transforms(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let cases: [(&str, Transform, Value); 8] = [
        (
            "thumbnail",
            Transform::Thumbnail,
            json!({ "width": 200, "height": 200 }),
        ),
        (
            "resize",
            Transform::Resize,
            json!({ "width": 300, "fit": "crop", "height": 300 }),
        ),
        (
            "convert to png",
            Transform::Convert,
            json!({ "format": "png" }),
        ),
        (
            "convert to webp",
            Transform::Convert,
            json!({ "format": "webp" }),
        ),
        (
            "convert to avif",
            Transform::Convert,
            json!({ "format": "avif" }),
        ),
        ("optimize", Transform::Optimize, json!({})),
        ("watermark", Transform::Watermark, json!({})),
        ("inspect", Transform::Inspect, json!({})),
    ];
    for (title, transform, given) in cases {
        let operation = built_in(transform);
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
    targets = transforms
}
criterion_main!(benches);
