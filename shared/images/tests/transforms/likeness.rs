//! Sizes, shapes and marks, held against sharp's.

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageEncoder as _};
use serde_json::json;

use crate::support::{COFFEE, COFFEE_400, decoded, difference, made, reference, similarity};

async fn looks_like(name: &str, content: &[u8], params: serde_json::Value, like: &str) {
    let expected = reference(like);
    // The grain of the table is what lossy formats lose first.
    for (format, least) in [("png", 0.96), ("jpeg", 0.95), ("webp", 0.93)] {
        let mut params = params.clone();
        params["format"] = json!(format);
        params["quality"] = json!(95);
        let picture = decoded(&made(name, content, params).await);
        let size = (picture.width(), picture.height());
        assert_eq!(size, expected.dimensions(), "{like} as {format}");
        let similarity = similarity(&picture, &expected);
        assert!(similarity > least, "{like} as {format}: {similarity}");
        let difference = difference(&picture, &expected);
        assert!(difference < 4.0, "{like} as {format}: {difference}");
    }
}

#[tokio::test]
async fn a_fitted_picture_is_that_of_sharp() {
    let params = json!({ "width": 200, "height": 200 });
    looks_like("resize", COFFEE, params.clone(), "fit.webp").await;
    looks_like("thumbnail", COFFEE, params, "fit.webp").await;
}

/// The sample is stored lying on its side: what is west of it upright is not what is stored there.
#[tokio::test]
async fn a_cropped_picture_is_that_of_sharp() {
    let params = json!({ "width": 150, "height": 150, "fit": "crop", "gravity": "west" });
    looks_like("resize", COFFEE, params, "crop-west.webp").await;
}

#[tokio::test]
async fn a_stretched_picture_is_that_of_sharp() {
    let params = json!({ "width": 120, "height": 200, "fit": "fill" });
    looks_like("resize", COFFEE, params, "fill.webp").await;
}

#[tokio::test]
async fn a_marked_picture_is_that_of_sharp() {
    let params = json!({ "margin": 0.03, "size": 0.25 });
    looks_like("watermark", COFFEE_400, params, "watermark.webp").await;
}

#[tokio::test]
async fn one_side_is_enough() {
    let picture = decoded(&made("resize", COFFEE, json!({ "width": 300 })).await);
    assert_eq!((picture.width(), picture.height()), (300, 200));
    let picture = decoded(&made("resize", COFFEE, json!({ "height": 100 })).await);
    assert_eq!((picture.width(), picture.height()), (150, 100));
    let picture = decoded(&made("resize", COFFEE, json!({})).await);
    assert_eq!((picture.width(), picture.height()), (600, 400));
}

#[tokio::test]
async fn only_who_asks_gets_a_larger_picture() {
    for (enlarge, expected) in [(false, (600, 400)), (true, (900, 600))] {
        let params = json!({ "width": 900, "height": 900, "enlarge": enlarge });
        let picture = decoded(&made("resize", COFFEE, params).await);
        assert_eq!((picture.width(), picture.height()), expected);
    }
}

/// The picture as a camera stores it that notes this orientation: turning it upright undoes what was done.
fn stored(upright: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut picture = upright.clone();
    let inverse = match orientation {
        6 => 8,
        8 => 6,
        same => same,
    };
    picture.apply_orientation(Orientation::from_exif(inverse).unwrap());
    // A TIFF header and a directory with the orientation alone (Exif 2.32, 4.6.4: tag 0x0112, a short).
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0, 0]);
    let mut content = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut content, 97);
    encoder.set_exif_metadata(exif).unwrap();
    picture.write_with_encoder(encoder).unwrap();
    content
}

#[tokio::test]
async fn a_crop_is_of_the_upright_picture_however_it_is_stored() {
    let upright = image::load_from_memory(COFFEE_400).unwrap();
    for gravity in ["northwest", "southeast", "east", "south"] {
        for (width, height) in [(60, 90), (90, 40)] {
            let params = json!({
                "width": width, "height": height, "fit": "crop", "gravity": gravity, "format": "png",
            });
            let expected = made("resize", &stored(&upright, 1), params.clone()).await;
            let expected = decoded(&expected).into_rgb8();
            for orientation in 2..=8 {
                let product = made("resize", &stored(&upright, orientation), params.clone()).await;
                let difference = difference(&decoded(&product), &expected);
                assert!(difference < 4.0, "{orientation} {gravity}: {difference}");
            }
        }
    }
}
