//! Running the operation, and making and comparing pictures.

use std::io::Cursor;

use assetmill_core::{Asset, FailureCode, MediaType, Operation as _, OperationError, Product};
use assetmill_images::{Bounds, Builtin, Codecs, Settings, Transform};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, RgbImage};
use serde_json::Value;

pub(crate) const UPRIGHT: &[u8] = include_bytes!("../fixtures/upright.png");
pub(crate) const PROGRESSIVE: &[u8] = include_bytes!("../fixtures/progressive.jpg");
pub(crate) const CMYK: &[u8] = include_bytes!("../fixtures/cmyk.jpg");
pub(crate) const PALETTE: &[u8] = include_bytes!("../fixtures/palette.png");
pub(crate) const ANIMATED: &[u8] = include_bytes!("../fixtures/animated.webp");

/// What may be written into a picture besides its pixels.
#[derive(Default)]
pub(crate) struct Extras {
    pub(crate) orientation: Option<u8>,
    pub(crate) profile: Option<Vec<u8>>,
}

pub(crate) fn operation() -> Builtin {
    let settings = Settings::new(
        "thumbnail".parse().unwrap(),
        Transform::Thumbnail,
        Codecs::in_process(Bounds::default()),
    );
    Builtin::new(Transform::Thumbnail, settings)
}

pub(crate) async fn run(content: &[u8], params: Value) -> Result<Product, OperationError> {
    let operation = operation();
    let params = operation
        .description()
        .params
        .accept(params.as_object().unwrap());
    let asset = Asset {
        url: "https://example.com/a".parse().unwrap(),
        content: content.to_vec().into(),
    };
    operation
        .run(&"acme".parse().unwrap(), asset, &params.unwrap())
        .await
}

/// Runs it where it has to succeed.
pub(crate) async fn thumbnail(content: &[u8], params: Value) -> Thumb {
    let product = run(content, params.clone())
        .await
        .unwrap_or_else(|error| panic!("{params}: {error:?}"));
    let format = image::guess_format(&product.content).unwrap();
    assert_eq!(media_type_of(format), product.media_type);
    Thumb {
        image: image::load_from_memory_with_format(&product.content, format).unwrap(),
        format,
        content: product.content.to_vec(),
    }
}

/// Runs it where it has to fail for good.
pub(crate) async fn failure(content: &[u8]) -> (FailureCode, String) {
    match run(content, serde_json::json!({})).await {
        Err(OperationError::Permanent(failure)) => {
            assert!(!failure.retryable);
            (failure.code, failure.message)
        }
        other => panic!("{other:?}"),
    }
}

/// A product, decoded.
pub(crate) struct Thumb {
    pub(crate) image: DynamicImage,
    pub(crate) format: ImageFormat,
    pub(crate) content: Vec<u8>,
}

impl Thumb {
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.image.width(), self.image.height())
    }
}

fn media_type_of(format: ImageFormat) -> MediaType {
    format.to_mime_type().parse().unwrap()
}

/// The photograph, 160 × 160.
pub(crate) fn photograph() -> RgbImage {
    image::load_from_memory(UPRIGHT).unwrap().into_rgb8()
}

/// The photograph, scaled down by other code than the operation's.
pub(crate) fn reference(width: u32, height: u32) -> RgbImage {
    let filter = image::imageops::FilterType::Lanczos3;
    image::imageops::resize(&photograph(), width, height, filter)
}

/// The mean difference of the channels, from 0 to 255.
pub(crate) fn difference(one: &RgbImage, other: &RgbImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let pairs = one.as_raw().iter().zip(other.as_raw());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / f64::from(one.width() * one.height() * 3)
}

pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    encoded_with(image, format, Extras::default())
}

pub(crate) fn encoded_with(image: &DynamicImage, format: ImageFormat, extras: Extras) -> Vec<u8> {
    let mut content = Vec::new();
    let out = Cursor::new(&mut content);
    match format {
        ImageFormat::Jpeg => write(JpegEncoder::new_with_quality(out, 95), image, extras),
        ImageFormat::Png => write(PngEncoder::new(out), image, extras),
        ImageFormat::WebP => write(WebPEncoder::new_lossless(out), image, extras),
        other => panic!("{other:?}"),
    }
    content
}

fn write(mut encoder: impl ImageEncoder, image: &DynamicImage, extras: Extras) {
    if let Some(orientation) = extras.orientation {
        encoder.set_exif_metadata(exif(orientation)).unwrap();
    }
    if let Some(profile) = extras.profile {
        encoder.set_icc_profile(profile).unwrap();
    }
    let (width, height) = (image.width(), image.height());
    let color = image.color().into();
    encoder
        .write_image(image.as_bytes(), width, height, color)
        .unwrap();
}

/// A TIFF header and a directory with the orientation alone (Exif 2.32, 4.6.4: tag 0x0112, a short).
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0, 0]);
    exif
}

pub(crate) fn lossy_webp(image: &RgbImage) -> Vec<u8> {
    webp::Encoder::from_rgb(image, image.width(), image.height())
        .encode(90.0)
        .to_vec()
}
