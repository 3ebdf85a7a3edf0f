//! Every kind of picture, into every format.

use image::buffer::ConvertBuffer;
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba};
use serde_json::json;

use crate::support::{
    ANIMATED, CMYK, PALETTE, PROGRESSIVE, UPRIGHT, difference, encoded, lossy_webp, photograph,
    reference, thumbnail,
};

/// How far from the photograph a kind of picture is by itself, in steps of 255.
struct Kind {
    name: &'static str,
    content: Vec<u8>,
    format: ImageFormat,
    is_grey: bool,
    tolerance: f64,
}

fn kinds() -> Vec<Kind> {
    let photograph = photograph();
    let kind = |name, content: Vec<u8>, format, tolerance| Kind {
        name,
        content,
        format,
        is_grey: false,
        tolerance,
    };
    let grey = |name, image: DynamicImage, format| Kind {
        name,
        content: encoded(&image, format),
        format,
        is_grey: true,
        tolerance: 2.0,
    };
    let png = |image: DynamicImage| encoded(&image, ImageFormat::Png);
    let deep: ImageBuffer<Rgb<u16>, Vec<u16>> = photograph.convert();
    let deep_alpha: ImageBuffer<Rgba<u16>, Vec<u16>> = photograph.convert();
    let alpha: ImageBuffer<Rgba<u8>, Vec<u8>> = photograph.convert();
    let plain_grey: ImageBuffer<Luma<u8>, Vec<u8>> = photograph.convert();
    let deep_grey: ImageBuffer<Luma<u16>, Vec<u16>> = photograph.convert();
    let grey_alpha: ImageBuffer<LumaA<u8>, Vec<u8>> = photograph.convert();
    let deep_grey_alpha: ImageBuffer<LumaA<u16>, Vec<u16>> = photograph.convert();
    vec![
        kind("png", UPRIGHT.to_vec(), ImageFormat::Png, 1.0),
        kind("png rgba", png(alpha.clone().into()), ImageFormat::Png, 1.0),
        kind("png 16 bit", png(deep.into()), ImageFormat::Png, 1.0),
        kind(
            "png rgba 16 bit",
            png(deep_alpha.into()),
            ImageFormat::Png,
            1.0,
        ),
        kind("png palette", PALETTE.to_vec(), ImageFormat::Png, 4.0),
        grey("png grey", plain_grey.clone().into(), ImageFormat::Png),
        grey("png grey 16 bit", deep_grey.into(), ImageFormat::Png),
        grey("png grey alpha", grey_alpha.into(), ImageFormat::Png),
        grey(
            "png grey alpha 16 bit",
            deep_grey_alpha.into(),
            ImageFormat::Png,
        ),
        kind(
            "jpeg",
            encoded(&photograph.clone().into(), ImageFormat::Jpeg),
            ImageFormat::Jpeg,
            // Detail that a small picture does not show is left out while decoding, by another filter.
            3.0,
        ),
        Kind {
            tolerance: 3.0,
            ..grey("jpeg grey", plain_grey.into(), ImageFormat::Jpeg)
        },
        kind(
            "jpeg progressive",
            PROGRESSIVE.to_vec(),
            ImageFormat::Jpeg,
            4.0,
        ),
        kind("jpeg cmyk", CMYK.to_vec(), ImageFormat::Jpeg, 4.0),
        kind(
            "webp lossy",
            lossy_webp(&photograph),
            ImageFormat::WebP,
            3.0,
        ),
        kind(
            "webp lossless",
            encoded(&photograph.into(), ImageFormat::WebP),
            ImageFormat::WebP,
            1.0,
        ),
        kind(
            "webp rgba",
            encoded(&alpha.into(), ImageFormat::WebP),
            ImageFormat::WebP,
            1.0,
        ),
        kind("webp animated", ANIMATED.to_vec(), ImageFormat::WebP, 4.0),
    ]
}

#[tokio::test]
async fn every_kind_of_picture_looks_the_same_in_every_format() {
    let colour = reference(64, 64);
    let luma: ImageBuffer<Luma<u8>, Vec<u8>> = colour.convert();
    let grey: RgbImage = luma.convert();
    for kind in kinds() {
        for (name, format, loss) in [
            ("auto", kind.format, 3.0),
            ("jpeg", ImageFormat::Jpeg, 3.0),
            ("png", ImageFormat::Png, 0.0),
            ("webp", ImageFormat::WebP, 3.0),
        ] {
            let params = json!({ "width": 64, "height": 64, "format": name, "quality": 95 });
            let thumb = thumbnail(&kind.content, params).await;
            assert_eq!(thumb.format, format, "{} as {name}", kind.name);
            assert_eq!(thumb.size(), (64, 64), "{} as {name}", kind.name);
            let expected = if kind.is_grey { &grey } else { &colour };
            let difference = difference(&thumb.image.into_rgb8(), expected);
            let tolerance = kind.tolerance + loss;
            assert!(
                difference < tolerance,
                "{} as {name}: {difference}",
                kind.name
            );
        }
    }
}

#[tokio::test]
async fn quality_trades_bytes_for_likeness() {
    let expected = reference(128, 128);
    for format in ["jpeg", "webp"] {
        let mut last = (0, f64::MAX);
        for quality in [10, 50, 95] {
            let params = json!({ "width": 128, "format": format, "quality": quality });
            let thumb = thumbnail(UPRIGHT, params).await;
            let bytes = thumb.content.len();
            let difference = difference(&thumb.image.into_rgb8(), &expected);
            assert!(bytes > last.0, "{format} {quality}: {bytes} after {last:?}");
            assert!(
                difference < last.1,
                "{format} {quality}: {difference} after {last:?}"
            );
            last = (bytes, difference);
        }
    }
}
