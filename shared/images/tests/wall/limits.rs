//! What the worst pictures take that are let through.

use assetmill_core::FailureCode;
use assetmill_images::{Spent, Transform as T};
use serde_json::{Value, json};

use crate::pictures;
use crate::support::{Wall, block_on};

const MB: u64 = 1_000_000;

/// The largest of each format that is decoded.
fn largest() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("JPEG, 4:4:4", pictures::jpeg(10_000, 10_000, false)),
        ("JPEG, progressive", pictures::jpeg(10_000, 10_000, true)),
        ("PNG, RGB", pictures::png(10_000, 10_000, 2, 8)),
        ("PNG, RGBA, 16 bits", pictures::png(10_000, 10_000, 6, 16)),
        ("WebP", pictures::webp(10_000, 10_000)),
        ("GIF", pictures::flat_gif(10_000, 10_000)),
        // What the decoder holds of a TIFF has a bound of its own: 256 MiB.
        ("TIFF, RGB", pictures::tiff(9_400, 9_400)),
        ("BMP, runs", pictures::bmp(10_000, 10_000)),
    ]
}

/// Runs what has to be let through, and to keep within its price.
fn taken(wall: &Wall, name: &str, transform: T, params: &Value, content: &[u8]) -> Spent {
    let made = block_on(wall.run(transform, params.clone(), content));
    if let Err(error) = made {
        panic!("{name} {transform:?} {params}: {error:?}");
    }
    let spent = wall.spent().pop().unwrap();
    assert!(
        spent.memory <= spent.reserved,
        "{name} {transform:?} {params}: {spent:?}"
    );
    spent
}

pub(crate) fn worst_of_each_format() {
    let wall = Wall::new();
    for (name, content) in largest() {
        taken(&wall, name, T::Thumbnail, &json!({}), &content);
    }
}

/// One row of the table.
fn row(name: &str, what: &str, pixels: u64, spent: Spent) -> String {
    format!(
        "| {name} | {what} | {} | {} | {} | {:.1} | {:.1} |\n",
        pixels / MB,
        spent.memory / MB,
        spent.reserved / MB,
        spent.cpu.as_secs_f64(),
        spent.estimated.as_secs_f64(),
    )
}

/// Makes the table of `docs/limits.md` anew where it is asked for; it takes some minutes of a core, and
/// what it says of time is this machine's.
pub(crate) fn table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- measured -->\n").unwrap();
    let (rows, after) = rest.split_once("<!-- /measured -->").unwrap();
    if std::env::var_os("ASSETMILL_WRITE_LIMITS").is_none() {
        // Each row of the table is a row that was let through.
        assert!(rows.lines().count() > largest_outputs().len(), "{rows}");
        return;
    }
    let wall = Wall::new();
    let mut rows =
        "| picture | operation | MP | MB taken | MB set aside | s taken | s estimated |\n\
                    | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for (name, content) in largest() {
        // The TIFF is smaller.
        let pixels = if name.starts_with("TIFF") {
            88 * MB
        } else {
            100 * MB
        };
        for (what, transform) in [("thumbnail", T::Thumbnail), ("inspect", T::Inspect)] {
            let spent = taken(&wall, name, transform, &json!({}), &content);
            rows.push_str(&row(name, what, pixels, spent));
        }
    }
    for (what, transform, params, colour, bits) in largest_outputs() {
        let (pixels, spent) = largest_let_through(&wall, transform, &params, colour, bits);
        let channels = if colour == 6 { 4 } else { 3 };
        let name = format!("PNG, {channels} channels, {bits} bits");
        let line = match spent {
            Some(spent) => row(&name, what, pixels, spent),
            None => format!("| {name} | {what} | {} | | | stopped | |\n", pixels / MB),
        };
        rows.push_str(&line);
    }
    let page = format!("{before}<!-- measured -->\n{rows}<!-- /measured -->{after}");
    std::fs::write(path, page).unwrap();
}

type Written = (&'static str, T, Value, u8, u8);

fn largest_outputs() -> Vec<Written> {
    let convert = |format: &str, quality: u8| json!({ "format": format, "quality": quality });
    vec![
        (
            "convert to JPEG, quality 80",
            T::Convert,
            convert("jpeg", 80),
            2,
            8,
        ),
        (
            "convert to JPEG, quality 100",
            T::Convert,
            convert("jpeg", 100),
            6,
            16,
        ),
        (
            "convert to WebP, quality 80",
            T::Convert,
            convert("webp", 80),
            2,
            8,
        ),
        (
            "convert to WebP, quality 100",
            T::Convert,
            convert("webp", 100),
            6,
            16,
        ),
        ("convert to PNG", T::Convert, convert("png", 80), 2, 8),
        ("convert to PNG", T::Convert, convert("png", 80), 6, 16),
        (
            "convert to AVIF, quality 80",
            T::Convert,
            convert("avif", 80),
            2,
            8,
        ),
        (
            "convert to AVIF, quality 100",
            T::Convert,
            convert("avif", 100),
            6,
            16,
        ),
        ("optimize", T::Optimize, json!({}), 2, 8),
        ("optimize", T::Optimize, json!({}), 6, 16),
    ]
}

/// The largest square that is not refused, and what it takes; `None` where it is stopped at its bound.
fn largest_let_through(
    wall: &Wall,
    transform: T,
    params: &Value,
    colour: u8,
    bits: u8,
) -> (u64, Option<Spent>) {
    for side in (500..=10_000_u32).rev().step_by(500) {
        // Its header alone tells whether it is let through: a whole one would be worked on.
        let claims = pictures::png_of(side, side, colour, bits, &[0; 32]);
        let refused = block_on(wall.failure(transform, params.clone(), &claims));
        if refused.code != FailureCode::TooExpensive {
            wall.spent();
            let content = pictures::png(side, side, colour, bits);
            let made = block_on(wall.run(transform, params.clone(), &content));
            let stopped =
                made.is_err_and(|error| error.failure().code == FailureCode::OperationTooExpensive);
            let spent = wall.spent().pop();
            assert!(
                stopped || spent.is_some_and(|it| it.memory <= it.reserved),
                "{spent:?}"
            );
            return (u64::from(side) * u64::from(side), spent);
        }
    }
    panic!("{transform:?} {params}: none is let through")
}
