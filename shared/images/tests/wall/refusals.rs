//! What costs too much is refused by its header, and takes next to nothing.

use std::fs;

use assetmill_core::FailureCode as F;
use assetmill_images::Transform as T;
use serde_json::{Value, json};

use crate::pictures;
use crate::support::{Wall, block_on};

const ANIMATED: &[u8] = include_bytes!("../fixtures/animated.webp");
/// The most that this process may grow by while it refuses a picture.
const MOST_BYTES: u64 = 32_000_000;

type Case = (&'static str, T, Value, Vec<u8>, F);

/// Each stopped the service, or took minutes or gigabytes of it, before there was a wall.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let small = |width, height| pictures::png(width, height, 0, 8);
    let claims =
        |width, height, colour, bits| pictures::png_of(width, height, colour, bits, &[0; 32]);
    vec![
        (
            "the side that is not given",
            T::Resize,
            json!({ "width": 8192, "enlarge": true }),
            small(1, 60_000),
            F::TooManyPixels,
        ),
        (
            "a small side that is not given",
            T::Resize,
            json!({ "width": 8192, "enlarge": true }),
            small(1, 10),
            F::TooManyPixels,
        ),
        (
            "20,000 scans",
            T::Thumbnail,
            json!({}),
            pictures::jpeg_of_scans(10_000, 20_000),
            F::TooExpensive,
        ),
        (
            "a frame larger than its screen",
            T::Thumbnail,
            json!({}),
            pictures::gif((1, 1), (65_535, 65_535)),
            F::TooManyPixels,
        ),
        (
            "a screen of no width",
            T::Thumbnail,
            json!({}),
            pictures::gif((0, 1), (1, 1)),
            F::CorruptAsset,
        ),
        (
            "a screen of no size",
            T::Inspect,
            json!({}),
            pictures::gif((0, 0), (1, 1)),
            F::CorruptAsset,
        ),
        (
            "49 megapixels to AVIF",
            T::Convert,
            json!({ "format": "avif", "quality": 100 }),
            claims(7000, 7000, 2, 8),
            F::TooExpensive,
        ),
        (
            "49 megapixels to AVIF of 256 bytes",
            T::Convert,
            json!({ "format": "avif", "quality": 100, "max_bytes": 256 }),
            claims(7000, 7000, 2, 8),
            F::TooExpensive,
        ),
        (
            "49 megapixels to WebP of 256 bytes",
            T::Convert,
            json!({ "format": "webp", "max_bytes": 256 }),
            claims(7000, 7000, 2, 8),
            F::BudgetNotMet,
        ),
        (
            "four pixels to AVIF of 8192 × 8192",
            T::Resize,
            json!({ "width": 8192, "height": 8192, "enlarge": true, "format": "avif" }),
            small(2, 2),
            F::TooExpensive,
        ),
        (
            "the smallest of a large RGBA16",
            T::Optimize,
            json!({}),
            claims(9000, 9000, 6, 16),
            F::TooExpensive,
        ),
        (
            "a side that WebP can't hold",
            T::Convert,
            json!({ "format": "webp" }),
            small(16_384, 1),
            F::TooManyPixels,
        ),
        (
            "a side that JPEG can't hold",
            T::Resize,
            json!({ "height": 1, "width": 8192, "fit": "fill" }),
            small(65_536, 1),
            F::TooManyPixels,
        ),
        (
            "an animation",
            T::Optimize,
            json!({}),
            ANIMATED.to_vec(),
            F::UnsupportedMediaType,
        ),
    ]
}

pub(crate) fn too_dear() {
    let wall = Wall::new();
    for (name, transform, params, content, code) in cases() {
        let before = peak_reset();
        let failure = block_on(wall.failure(transform, params, &content));
        assert_eq!(failure.code, code, "{name}: {}", failure.message);
        let grown = peak().saturating_sub(before);
        assert!(grown < MOST_BYTES, "{name}: {grown} bytes");
        assert_eq!(wall.spent(), [], "{name} was worked on");
    }
}

/// Sets the peak of this process's memory to what it has now (`proc_pid_clear_refs(5)`), and tells that.
fn peak_reset() -> u64 {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    peak()
}

fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.unwrap().trim().trim_end_matches("kB").trim();
    kibibytes.parse::<u64>().unwrap() * 1024
}

pub(crate) fn budget() {
    let wall = Wall::new();
    let content = pictures::png(800, 600, 2, 8);
    for format in ["jpeg", "webp"] {
        let unbounded = block_on(wall.run(T::Convert, json!({ "format": format }), &content));
        let most = unbounded.unwrap().content.len() / 2;
        let params = json!({ "format": format, "max_bytes": most });
        let bounded = block_on(wall.run(T::Convert, params, &content));
        let bytes = bounded.unwrap().content.len();
        assert!(bytes <= most, "{format}: {bytes} of {most}");
        assert!(bytes > most / 2, "{format}: {bytes} of {most}");
    }
}
