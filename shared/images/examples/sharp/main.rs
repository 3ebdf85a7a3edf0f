//! `just bench-images`: the time, size and likeness of built-in transforms, and of sharp for the same work,
//! in runs that take turns. `ASSETMILL_SHARP` names a folder with sharp in its `node_modules`; without it,
//! there is nothing to compare with, and that is said.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that can't go on ends"
)]

mod sharp;

use std::time::Instant;

use assetmill_core::{Asset, Operation as _, Product};
use assetmill_images::{Bounds, Builtin, Codecs, Settings, Transform};
use bytes::Bytes;
use image::GrayImage;
use image_compare::Algorithm;
use serde_json::{Value, json};
use sharp::Sharp;

const ROUNDS: usize = 11;

/// One row of the table: what is asked of both.
struct Work {
    name: &'static str,
    params: Value,
    /// The options of sharp's output.
    sharp: Value,
}

/// What one side came to.
struct Side {
    milliseconds: Vec<f64>,
    content: Bytes,
}

fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    let Ok(content) = std::fs::read(&path) else {
        println!("give a photograph: just bench-images FILE.jpg");
        return;
    };
    let content = Bytes::from(content);
    if let Some(format) = std::env::args().nth(2) {
        run(&operation(), &content, &params(&format, 80));
        println!("{}", peak_kilobytes());
        return;
    }
    let mut sharp = Sharp::start(&path);
    if sharp.is_none() {
        println!(
            "sharp is not there: npm install --prefix FOLDER sharp, and ASSETMILL_SHARP=FOLDER"
        );
    }
    let reference = sharp.as_mut().map(|sharp| gray(&sharp.reference()));
    println!(
        "| output | ours ms | sharp ms | ratio | bytes | sharp bytes | SSIM | sharp SSIM | peak MB | sharp peak MB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for work in jobs() {
        let row = measure(&work, &content, sharp.as_mut());
        print_row(&work, &path, row, sharp.as_mut(), reference.as_ref());
    }
}

fn jobs() -> Vec<Work> {
    let work = |name, format: &str, quality, sharp| Work {
        name,
        params: params(format, quality),
        sharp,
    };
    vec![
        work(
            "JPEG q80",
            "jpeg",
            80,
            json!({ "format": "jpeg", "quality": 80 }),
        ),
        work(
            "WebP q80",
            "webp",
            80,
            json!({ "format": "webp", "quality": 80 }),
        ),
        // The two count quality differently; these are of about the same likeness.
        work(
            "AVIF",
            "avif",
            82,
            json!({ "format": "avif", "quality": 50 }),
        ),
        work(
            "AVIF, sharp at effort 2",
            "avif",
            82,
            json!({ "format": "avif", "quality": 50, "effort": 2 }),
        ),
    ]
}

fn params(format: &str, quality: u8) -> Value {
    json!({ "width": 800, "height": 600, "format": format, "quality": quality })
}

fn operation() -> Builtin {
    let settings = Settings::new(
        "resize".parse().unwrap(),
        Transform::Resize,
        Codecs::in_process(Bounds::default()),
    );
    Builtin::new(Transform::Resize, settings)
}

fn run(operation: &Builtin, content: &Bytes, params: &Value) -> Product {
    let params = operation
        .description()
        .params
        .accept(params.as_object().unwrap())
        .unwrap();
    let asset = Asset {
        url: "https://example.com/photograph.jpg".parse().unwrap(),
        content: content.clone(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(operation.run(&"bench".parse().unwrap(), asset, &params))
        .unwrap()
}

fn measure(work: &Work, content: &Bytes, mut sharp: Option<&mut Sharp>) -> (Side, Option<Side>) {
    let operation = operation();
    let mut ours = Side {
        milliseconds: Vec::new(),
        content: Bytes::new(),
    };
    let mut theirs: Option<Side> = None;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        ours.content = run(&operation, content, &work.params).content;
        ours.milliseconds
            .push(began.elapsed().as_secs_f64() * 1000.0);
        if let Some(sharp) = sharp.as_deref_mut() {
            let (milliseconds, content) = sharp.run(&work.sharp);
            let side = theirs.get_or_insert_with(|| Side {
                milliseconds: Vec::new(),
                content: Bytes::new(),
            });
            side.milliseconds.push(milliseconds);
            side.content = content;
        }
    }
    (ours, theirs)
}

fn print_row(
    work: &Work,
    path: &str,
    (ours, theirs): (Side, Option<Side>),
    sharp: Option<&mut Sharp>,
    reference: Option<&GrayImage>,
) {
    let mine = median(&ours.milliseconds);
    let format = work.params["format"].as_str().unwrap_or_default();
    let peak = peak_of_a_run_alone(path, format);
    let (Some(theirs), Some(sharp), Some(reference)) = (theirs, sharp, reference) else {
        let bytes = ours.content.len();
        println!(
            "| {} | {mine:.1} | | | {bytes} | | | | {peak:.0} | |",
            work.name
        );
        return;
    };
    let other = median(&theirs.milliseconds);
    let mut likeness = |content: &Bytes| similarity(&gray(&sharp.decoded(content)), reference);
    let (alike, others_alike) = (likeness(&ours.content), likeness(&theirs.content));
    println!(
        "| {} | {mine:.1} | {other:.1} | {:.2} | {} | {} | {alike:.4} | {others_alike:.4} | {peak:.0} | {:.0} |",
        work.name,
        mine / other,
        ours.content.len(),
        theirs.content.len(),
        sharp.peak(path, &work.sharp),
    );
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn gray(png: &[u8]) -> GrayImage {
    image::load_from_memory(png).unwrap().into_luma8()
}

fn similarity(one: &GrayImage, other: &GrayImage) -> f64 {
    image_compare::gray_similarity_structure(&Algorithm::MSSIMSimple, one, other)
        .unwrap()
        .score
}

/// In a process of its own, so that nothing else counts.
fn peak_of_a_run_alone(path: &str, format: &str) -> f64 {
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new(program)
        .args([path, format])
        .output()
        .unwrap();
    let kilobytes: f64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap();
    kilobytes / 1000.0
}

/// proc(5): the most that was resident.
fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let digits = line.unwrap_or_default().trim().trim_end_matches(" kB");
    digits.parse().unwrap_or_default()
}
