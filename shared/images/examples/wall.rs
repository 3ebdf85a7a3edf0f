//! What the wall costs: the thumbnail of a photograph in this process and in a codec process, in turns.
//!
//! `cargo run --release -p assetmill-images --example wall -- PHOTO.jpg`; without a photograph, one of
//! 12 megapixels is made.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::process::ExitCode;
use std::time::Instant;

use assetmill_core::{Asset, Operation as _};
use assetmill_images::sandbox::{Confinement, run_if_child};
use assetmill_images::{Bounds, Builtin, Codecs, Settings, Transform};
use bytes::Bytes;

const TURNS: usize = 201;

fn main() -> ExitCode {
    if let Some(ended) = run_if_child() {
        return ended;
    }
    let photograph = match std::env::args_os().nth(1) {
        Some(path) => std::fs::read(path).unwrap().into(),
        None => photograph(),
    };
    let tenant = "bench".parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let begun = Instant::now();
    let behind = thumbnail(Codecs::sandboxed(Bounds::default(), Confinement::Preferred).unwrap());
    println!("started in {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let here = thumbnail(Codecs::in_process(Bounds::default()));
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..=TURNS {
        for (operation, times) in [&here, &behind].into_iter().zip(&mut times) {
            let asset = Asset {
                url: "https://example.com/a".parse().unwrap(),
                content: photograph.clone(),
            };
            let params = operation
                .description()
                .params
                .accept(&serde_json::Map::new());
            let begun = Instant::now();
            runtime
                .block_on(operation.run(&tenant, asset, &params.unwrap()))
                .unwrap();
            // The first of each finds cold caches.
            if turn > 0 {
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    let pairs = times[0].iter().zip(&times[1]);
    let ratio = median(pairs.map(|(here, behind)| behind / here).collect());
    let [here, behind] = times.map(median);
    println!(
        "{} bytes; in this process {here:.2} ms, behind the wall {behind:.2} ms; by pairs {:+.1} %",
        photograph.len(),
        (ratio - 1.0) * 100.0
    );
    ExitCode::SUCCESS
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn thumbnail(codecs: Codecs) -> Builtin {
    let settings = Settings::new("thumbnail".parse().unwrap(), Transform::Thumbnail, codecs);
    Builtin::new(Transform::Thumbnail, settings)
}

/// The sample, so large that it is one of 12 megapixels.
fn photograph() -> Bytes {
    const SAMPLE: &[u8] = include_bytes!("../../../localstack/samples/coffee.jpg");
    let sample = image::load_from_memory(SAMPLE).unwrap();
    let large = sample.resize_exact(4243, 2828, image::imageops::FilterType::CatmullRom);
    let mut content = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut content, 92);
    large.into_rgb8().write_with_encoder(encoder).unwrap();
    content.into()
}
