//! Sizes and orientations.

use image::{DynamicImage, GenericImageView, GrayImage, ImageFormat, RgbImage};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{
    Extras, UPRIGHT, difference, encoded, encoded_with, lossy_webp, photograph, run, thumbnail,
};

/// A part of the photograph that is not square, as a camera with this EXIF orientation stores it.
/// Exif 2.32, 4.6.4: which side of the picture the first row and the first column are.
fn stored(orientation: u8) -> DynamicImage {
    let upright = photograph().view(0, 0, 160, 100).to_image();
    let (width, height) = upright.dimensions();
    let turned = orientation >= 5;
    let (columns, rows) = if turned {
        (height, width)
    } else {
        (width, height)
    };
    RgbImage::from_fn(columns, rows, |column, row| {
        let (x, y) = match orientation {
            1 => (column, row),
            2 => (width - 1 - column, row),
            3 => (width - 1 - column, height - 1 - row),
            4 => (column, height - 1 - row),
            5 => (row, column),
            6 => (width - 1 - row, column),
            7 => (width - 1 - row, height - 1 - column),
            8 => (row, height - 1 - column),
            _ => unreachable!("EXIF has eight orientations"),
        };
        *upright.get_pixel(x, y)
    })
    .into()
}

#[tokio::test]
async fn every_orientation_gives_the_same_upright_picture() {
    let params = json!({ "width": 64, "height": 64, "format": "png" });
    let upright = encoded(&stored(1), ImageFormat::Png);
    let upright = thumbnail(&upright, params.clone()).await.image.into_rgb8();
    for (format, tolerance) in [
        (ImageFormat::Png, 0.5),
        (ImageFormat::WebP, 0.5),
        (ImageFormat::Jpeg, 3.0),
    ] {
        for orientation in 1..=8 {
            let extras = Extras {
                orientation: Some(orientation),
                profile: None,
            };
            let content = encoded_with(&stored(orientation), format, extras);
            let thumb = thumbnail(&content, params.clone()).await;
            assert_eq!(thumb.size(), (64, 40), "{format:?} {orientation}");
            let difference = difference(&thumb.image.into_rgb8(), &upright);
            assert!(
                difference < tolerance,
                "{format:?} {orientation}: {difference}"
            );
        }
    }
}

#[tokio::test]
async fn the_box_is_that_of_the_upright_picture() {
    for (width, height, expected) in [(64, 20, (32, 20)), (20, 64, (20, 13)), (160, 50, (80, 50))] {
        for orientation in 1..=8 {
            let extras = Extras {
                orientation: Some(orientation),
                profile: None,
            };
            let content = encoded_with(&stored(orientation), ImageFormat::Png, extras);
            let thumb = thumbnail(&content, json!({ "width": width, "height": height })).await;
            assert_eq!(
                thumb.size(),
                expected,
                "{orientation} in {width} × {height}"
            );
        }
    }
}

#[tokio::test]
async fn an_orientation_that_exif_does_not_know_is_no_orientation() {
    for orientation in [0, 9, 255] {
        let extras = Extras {
            orientation: Some(orientation),
            profile: None,
        };
        let content = encoded_with(&stored(1), ImageFormat::Jpeg, extras);
        let thumb = thumbnail(&content, json!({ "width": 64 })).await;
        assert_eq!(thumb.size(), (64, 40), "{orientation}");
    }
}

#[tokio::test]
async fn a_picture_is_not_enlarged() {
    assert_eq!(thumbnail(UPRIGHT, json!({})).await.size(), (160, 160));
}

#[tokio::test]
async fn the_smallest_and_the_thinnest_have_a_pixel_left() {
    for ((width, height), expected) in [
        ((1, 1), (1, 1)),
        ((1, 20_000), (1, 512)),
        ((20_000, 1), (512, 1)),
        ((3, 2), (3, 2)),
    ] {
        let image = GrayImage::new(width, height).into();
        for format in ["jpeg", "png", "webp"] {
            let content = encoded(&image, ImageFormat::Png);
            let thumb = thumbnail(&content, json!({ "format": format })).await;
            assert_eq!(thumb.size(), expected, "{width} × {height} {format}");
        }
    }
}

#[tokio::test]
async fn the_runtime_goes_on_while_a_picture_is_processed() {
    let large = encoded(&GrayImage::new(4000, 4000).into(), ImageFormat::Png);
    let waiting = run(&large, json!({}));
    let result = tokio::time::timeout(std::time::Duration::ZERO, waiting).await;
    assert!(result.is_err(), "it was made on the runtime's thread");
}

#[tokio::test]
async fn many_at_a_time_all_end() {
    let runs: Vec<_> = (0..32)
        .map(|_| tokio::spawn(run(UPRIGHT, json!({ "width": 32 }))))
        .collect();
    for run in runs {
        run.await.unwrap().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_picture_fits_any_box_in_its_shape(
        (width, height) in (1_u32..400, 1_u32..400),
        (box_width, box_height) in (1_u32..300, 1_u32..300),
        from in 0..4,
        to in prop::sample::select(vec!["auto", "jpeg", "png", "webp"]),
        quality in 1..=100,
    ) {
        let image = RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([(x % 251) as u8, (y % 251) as u8, ((x + y) % 251) as u8])
        });
        let content = match from {
            0 => encoded(&image.into(), ImageFormat::Jpeg),
            1 => encoded(&image.into(), ImageFormat::Png),
            2 => encoded(&image.into(), ImageFormat::WebP),
            _ => lossy_webp(&image),
        };
        let params = json!({
            "width": box_width, "height": box_height, "format": to, "quality": quality,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (thumb_width, thumb_height) = runtime.block_on(thumbnail(&content, params)).size();
        prop_assert!(thumb_width <= box_width.min(width));
        prop_assert!(thumb_height <= box_height.min(height));
        let scale = (f64::from(box_width) / f64::from(width))
            .min(f64::from(box_height) / f64::from(height))
            .min(1.0);
        prop_assert!((f64::from(width) * scale - f64::from(thumb_width)).abs() <= 1.0);
        prop_assert!((f64::from(height) * scale - f64::from(thumb_height)).abs() <= 1.0);
    }
}
