//! Alpha, ICC profiles, and the metadata that goes.

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, LumaA, Rgb, Rgba, RgbaImage};
use serde_json::json;

use crate::support::{Extras, Thumb, encoded, encoded_with, photograph, thumbnail};

const FORMATS: [(&str, ImageFormat); 3] = [
    ("jpeg", ImageFormat::Jpeg),
    ("png", ImageFormat::Png),
    ("webp", ImageFormat::WebP),
];

/// A profile that has the header of one (ICC.1:2022, 7.2), and so many bytes.
fn profile(space: [u8; 4], bytes: usize) -> Vec<u8> {
    let mut profile: Vec<u8> = (0..=u8::MAX).cycle().take(bytes).collect();
    profile[16..20].copy_from_slice(&space);
    profile[36..40].copy_from_slice(b"acsp");
    profile
}

fn decoder(thumb: &Thumb) -> Box<dyn ImageDecoder + '_> {
    let content = std::io::Cursor::new(&thumb.content);
    match thumb.format {
        ImageFormat::Jpeg => Box::new(JpegDecoder::new(content).unwrap()),
        ImageFormat::Png => Box::new(PngDecoder::new(content).unwrap()),
        _ => Box::new(WebPDecoder::new(content).unwrap()),
    }
}

async fn profile_of_thumbnail(
    image: &DynamicImage,
    from: ImageFormat,
    to: &str,
    profile: Vec<u8>,
) -> Option<Vec<u8>> {
    let extras = Extras {
        orientation: None,
        profile: Some(profile),
    };
    let content = encoded_with(image, from, extras);
    let thumb = thumbnail(&content, json!({ "width": 40, "format": to })).await;
    decoder(&thumb).icc_profile().unwrap()
}

#[tokio::test]
async fn the_profile_is_kept() {
    let image = photograph().into();
    for bytes in [200, 3145, 70_001] {
        for (_, from) in FORMATS {
            for (to, _) in FORMATS {
                let given = profile(*b"RGB ", bytes);
                let kept = profile_of_thumbnail(&image, from, to, given.clone()).await;
                assert!(kept == Some(given), "{bytes} bytes, {from:?} to {to}");
            }
        }
    }
}

#[tokio::test]
async fn the_profile_of_a_grey_picture_is_kept_where_it_stays_grey() {
    let image = GrayImage::new(50, 50).into();
    let given = profile(*b"GRAY", 400);
    for (to, expected) in [
        ("jpeg", Some(given.clone())),
        ("png", Some(given.clone())),
        ("webp", None),
    ] {
        let kept = profile_of_thumbnail(&image, ImageFormat::Png, to, given.clone()).await;
        assert!(kept == expected, "{to}");
    }
}

#[tokio::test]
async fn a_profile_that_does_not_fit_the_pixels_goes() {
    let image = photograph().into();
    for given in [
        profile(*b"CMYK", 400),
        profile(*b"GRAY", 400),
        profile(*b"RGB ", 5_000_000),
        b"no profile".to_vec(),
    ] {
        let kept = profile_of_thumbnail(&image, ImageFormat::Jpeg, "webp", given).await;
        assert_eq!(kept, None);
    }
}

#[tokio::test]
async fn a_webp_with_alpha_keeps_its_profile_and_its_alpha() {
    let image = RgbaImage::from_pixel(50, 50, Rgba([200, 10, 10, 128])).into();
    let extras = Extras {
        orientation: None,
        profile: Some(profile(*b"RGB ", 401)),
    };
    let content = encoded_with(&image, ImageFormat::Png, extras);
    let thumb = thumbnail(&content, json!({ "width": 31, "format": "webp" })).await;
    assert_eq!(
        decoder(&thumb).icc_profile().unwrap(),
        Some(profile(*b"RGB ", 401))
    );
    assert_eq!(thumb.image.to_rgba8().get_pixel(15, 15)[3], 128);
}

#[tokio::test]
async fn metadata_goes() {
    for (_, from) in FORMATS {
        for (to, _) in FORMATS {
            let extras = Extras {
                orientation: Some(6),
                profile: None,
            };
            let content = encoded_with(&photograph().into(), from, extras);
            let thumb = thumbnail(&content, json!({ "width": 40, "format": to })).await;
            assert_eq!(
                decoder(&thumb).exif_metadata().unwrap(),
                None,
                "{from:?} to {to}"
            );
        }
    }
}

/// Left: opaque red. Middle: red at half. Right: nothing, with green where nobody sees it.
fn veil() -> RgbaImage {
    RgbaImage::from_fn(300, 100, |x, _| match x / 100 {
        0 => Rgba([255, 0, 0, 255]),
        1 => Rgba([255, 0, 0, 128]),
        _ => Rgba([0, 255, 0, 0]),
    })
}

#[tokio::test]
async fn alpha_is_kept_in_png_and_webp() {
    for from in [ImageFormat::Png, ImageFormat::WebP] {
        for to in ["png", "webp"] {
            let content = encoded(&veil().into(), from);
            let thumb = thumbnail(&content, json!({ "width": 75, "format": to })).await;
            let image = thumb.image.into_rgba8();
            let alpha: Vec<_> = [12, 37, 62].map(|x| image.get_pixel(x, 12)[3]).to_vec();
            assert_eq!(alpha, [255, 128, 0], "{from:?} to {to}");
        }
    }
}

#[tokio::test]
async fn colours_of_what_is_transparent_do_not_bleed() {
    let content = encoded(&veil().into(), ImageFormat::Png);
    let thumb = thumbnail(&content, json!({ "width": 75, "format": "png" })).await;
    for (x, y, pixel) in thumb.image.into_rgba8().enumerate_pixels() {
        let [_, green, _, alpha] = pixel.0;
        assert!(alpha == 0 || green == 0, "{x} {y} {pixel:?}");
    }
}

#[tokio::test]
async fn a_jpeg_lies_on_white() {
    let content = encoded(&veil().into(), ImageFormat::Png);
    let params = json!({ "width": 75, "format": "jpeg", "quality": 100 });
    let image = thumbnail(&content, params).await.image.into_rgb8();
    for (x, expected) in [(12, [255, 0, 0]), (37, [255, 127, 127]), (62, [255; 3])] {
        let Rgb(found) = *image.get_pixel(x, 12);
        let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 4);
        assert!(near, "{x}: {found:?}, not {expected:?}");
    }
}

#[tokio::test]
async fn a_grey_jpeg_lies_on_white_and_stays_grey() {
    let image = image::GrayAlphaImage::from_pixel(50, 50, LumaA([0, 51])).into();
    let content = encoded(&image, ImageFormat::Png);
    let thumb = thumbnail(&content, json!({ "width": 25, "format": "jpeg" })).await;
    assert!(!thumb.image.color().has_color());
    assert!(thumb.image.into_luma8().get_pixel(12, 12)[0].abs_diff(204) < 3);
}
