//! What holds of any picture and any box.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{built_in, decoded, run_of};

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let byte = |value: u32| u8::try_from(value % 256).unwrap();
        [byte(x * 7), byte(y * 5), byte(x + y)].into()
    });
    let mut content = Cursor::new(Vec::new());
    DynamicImage::from(picture)
        .write_to(&mut content, ImageFormat::Jpeg)
        .unwrap();
    content.into_inner()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_result_fits_keeps_its_shape_and_can_be_decoded(
        width in 1_u32..=300,
        height in 1_u32..=300,
        box_width in 1_u32..=200,
        box_height in 1_u32..=200,
        fit in prop::sample::select(vec!["fit", "fill", "crop"]),
        format in prop::sample::select(vec!["jpeg", "png", "webp"]),
        enlarge: bool,
    ) {
        let params = json!({
            "width": box_width, "height": box_height, "fit": fit, "format": format, "enlarge": enlarge,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let product = runtime.block_on(run_of(&built_in("resize"), &jpeg(width, height), params));
        let picture = decoded(&product.unwrap());
        let got = (picture.width(), picture.height());
        prop_assert!(got.0 <= box_width && got.1 <= box_height, "{got:?}");
        if !enlarge {
            prop_assert!(got.0 <= width && got.1 <= height, "{got:?}");
        }
        if enlarge && fit != "fit" {
            prop_assert_eq!(got, (box_width, box_height));
        }
        if fit == "fit" {
            let shape = f64::from(width) / f64::from(height);
            let across = (f64::from(got.1) * shape - f64::from(got.0)).abs();
            let down = (f64::from(got.0) / shape - f64::from(got.1)).abs();
            prop_assert!(across.min(down) <= 1.0, "{got:?} of {width} × {height}");
        }
    }
}

#[tokio::test]
async fn the_longest_and_the_smallest_pass() {
    for (width, height) in [(1, 1), (1, 20_000), (20_000, 1), (37, 101)] {
        let content = jpeg(width, height);
        for name in [
            "thumbnail",
            "resize",
            "convert",
            "optimize",
            "watermark",
            "inspect",
        ] {
            let result = run_of(&built_in(name), &content, json!({})).await;
            // A WebP has at most 16,383 pixels a side, which convert makes unless told otherwise.
            let fits = name != "convert" || width.max(height) < 16_384;
            assert_eq!(
                result.is_ok(),
                fits,
                "{name} {width} × {height}: {result:?}"
            );
        }
    }
}
