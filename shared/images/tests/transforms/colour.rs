//! A picture must not change its colours.

use image::ImageDecoder as _;
use image::codecs::jpeg::JpegDecoder;
use serde_json::json;

use crate::support::{decoded, difference, made, reference};

/// In the colours of Display P3, whose numbers are not those of sRGB.
const P3: &[u8] = include_bytes!("../fixtures/p3.jpg");

#[tokio::test]
async fn the_profile_is_kept_with_the_numbers_that_it_explains() {
    let product = made("resize", P3, json!({ "quality": 95 })).await;
    let mut decoder = JpegDecoder::new(std::io::Cursor::new(&product.content)).unwrap();
    let mut given = JpegDecoder::new(std::io::Cursor::new(P3)).unwrap();
    assert_eq!(decoder.icc_profile().unwrap(), given.icc_profile().unwrap());
    let stored = image::load_from_memory(P3).unwrap().into_rgb8();
    assert!(difference(&decoded(&product), &stored) < 2.0);
}

#[tokio::test]
async fn colours_are_converted_where_that_is_asked_for() {
    let srgb = reference("small.webp");
    let stored = image::load_from_memory(P3).unwrap();
    let before = difference(&stored, &srgb);
    let params = json!({ "format": "png", "profile": "srgb" });
    let converted = difference(&decoded(&made("convert", P3, params).await), &srgb);
    assert!(
        before > 2.0 * converted,
        "{before} before, {converted} after"
    );
    assert!(converted < 3.0, "{converted}");
}
