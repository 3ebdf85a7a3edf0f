//! What is read and written.

use std::io::Cursor;

use assetmill_core::{FailureCode, MediaType};
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use serde_json::json;

use crate::support::{
    COFFEE, COFFEE_400, decoded, difference, failure, made, reference, similarity,
};

const GIF: &[u8] = include_bytes!("../fixtures/coffee.gif");
const TIFF: &[u8] = include_bytes!("../fixtures/coffee.tiff");

fn bmp() -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    let picture = DynamicImage::from(reference("small.webp"));
    picture.write_to(&mut content, ImageFormat::Bmp).unwrap();
    content.into_inner()
}

#[tokio::test]
async fn gif_tiff_and_bmp_are_read() {
    let expected = reference("small.webp");
    for (content, least) in [(GIF, 0.85), (TIFF, 0.97), (&bmp(), 0.97)] {
        let product = made("resize", content, json!({})).await;
        assert_eq!(product.media_type.as_str(), "image/png");
        let likeness = similarity(&decoded(&product), &expected);
        assert!(likeness > least, "{likeness}");
    }
}

/// What the file itself says of its size: the property `ispe` of its item (ISO/IEC 23008-12, 6.5.3).
fn avif_size(content: &[u8]) -> (u32, u32) {
    let at = content.windows(4).position(|it| it == b"ispe").unwrap() + 8;
    let side = |at| u32::from_be_bytes(content[at..at + 4].try_into().unwrap());
    (side(at), side(at + 4))
}

#[tokio::test]
async fn every_format_is_written() {
    for (format, media_type) in [
        ("jpeg", "image/jpeg"),
        ("png", "image/png"),
        ("webp", "image/webp"),
        ("avif", "image/avif"),
    ] {
        let product = made("convert", COFFEE, json!({ "format": format })).await;
        assert_eq!(product.media_type.as_str(), media_type);
        let found = MediaType::of_content(&product.content);
        assert_eq!(found.as_str(), media_type);
    }
    let avif = made("convert", COFFEE, json!({ "format": "avif" })).await;
    assert_eq!(avif_size(&avif.content), (600, 400));
    let webp = made("convert", COFFEE, json!({ "format": "webp" })).await;
    assert!(avif.content.len() < webp.content.len());
}

#[tokio::test]
async fn what_is_transparent_lies_on_the_colour_that_is_asked_for() {
    let clear = DynamicImage::from(RgbaImage::from_pixel(16, 16, Rgba([0, 0, 0, 0])));
    let mut content = Cursor::new(Vec::new());
    clear.write_to(&mut content, ImageFormat::Png).unwrap();
    let content = content.into_inner();
    for (params, colour) in [
        (json!({ "format": "jpeg" }), [255; 3]),
        (
            json!({ "format": "jpeg", "background": "#204060" }),
            [0x20, 0x40, 0x60],
        ),
    ] {
        let picture = decoded(&made("convert", &content, params).await);
        let expected = image::RgbImage::from_pixel(16, 16, image::Rgb(colour));
        assert!(difference(&picture, &expected) < 2.0);
    }
    let kept = decoded(&made("convert", &content, json!({ "format": "webp" })).await);
    assert!(kept.color().has_alpha());
}

#[tokio::test]
async fn what_an_operation_does_not_take_is_refused_by_its_content() {
    let refused = failure("optimize", GIF, json!({})).await;
    assert_eq!(refused.code, FailureCode::UnsupportedMediaType);
    assert!(refused.message.contains("image/gif"), "{refused:?}");
    for name in ["resize", "convert", "optimize", "watermark", "inspect"] {
        let refused = failure(name, b"%PDF-1.7\n", json!({})).await;
        assert_eq!(refused.code, FailureCode::UnsupportedMediaType, "{name}");
        let truncated = failure(name, &COFFEE_400[..30_000], json!({})).await;
        assert_eq!(truncated.code, FailureCode::CorruptAsset, "{name}");
    }
}

/// Headers that promise 60,000 × 60,000 pixels, and nothing behind them.
fn bombs() -> [(&'static str, Vec<u8>); 3] {
    const SIDE: u16 = 60_000;
    let [low, high] = SIDE.to_le_bytes();
    let long = u32::from(SIDE).to_le_bytes();
    // https://www.w3.org/Graphics/GIF/spec-gif89a.txt, 18 and 20: the screen, then one picture on it.
    let gif = [
        &b"GIF89a"[..],
        &[low, high, low, high, 0x80, 0, 0, 0, 0, 0, 255, 255, 255],
        &[
            0x2C, 0, 0, 0, 0, low, high, low, high, 0, 2, 2, 0x44, 1, 0, 0x3B,
        ],
    ];
    // BITMAPFILEHEADER and BITMAPINFOHEADER: 24 bits a pixel, not compressed.
    let bmp = [
        &b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"[..],
        &long,
        &long,
        &[1, 0, 24, 0],
        &[0; 24],
    ];
    let entry = |tag: u16, value: u32| {
        let kind_and_count = [4, 0, 1, 0, 0, 0];
        [
            &tag.to_le_bytes()[..],
            &kind_and_count,
            &value.to_le_bytes(),
        ]
        .concat()
    };
    // TIFF 6.0, section 2: a directory of long values; width, height, bits, compression, photometric
    // interpretation, and one strip.
    let side = u32::from(SIDE);
    let entries = [
        (256, side),
        (257, side),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, side),
        (279, 1),
    ];
    let directory: Vec<u8> = entries
        .iter()
        .flat_map(|(tag, value)| entry(*tag, *value))
        .collect();
    let tiff = [&b"II*\0\x08\0\0\0\x09\0"[..], &directory, &[0; 4]];
    [
        ("gif", gif.concat()),
        ("bmp", bmp.concat()),
        ("tiff", tiff.concat()),
    ]
}

#[tokio::test]
async fn a_bomb_is_refused_by_its_header() {
    for (name, content) in bombs() {
        let refused = failure("resize", &content, json!({})).await;
        assert_eq!(
            refused.code,
            FailureCode::TooManyPixels,
            "{name}: {refused:?}"
        );
    }
}
