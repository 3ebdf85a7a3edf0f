//! Running built-in transforms, and comparing pictures.

use std::sync::Arc;

use assetmill_core::{Asset, Failure, Operation, OperationError, Product};
use assetmill_images::{Bounds, Builtin, Codecs, Overlay, Settings, Transform};
use image::{DynamicImage, RgbImage};
use image_compare::Algorithm;
use serde_json::Value;

pub(crate) const COFFEE: &[u8] = include_bytes!("../../../../localstack/samples/coffee.jpg");
pub(crate) const COFFEE_400: &[u8] = include_bytes!("../fixtures/coffee-400.jpg");
const OVERLAY: &[u8] = include_bytes!("../fixtures/overlay.png");

/// The transform that catalogues call so, with all its parameters and their own defaults.
pub(crate) fn built_in(name: &str) -> Builtin {
    let (_, transform) = Transform::ALL.iter().find(|(it, _)| *it == name).unwrap();
    let settings = Settings {
        overlay: Some(Arc::new(Overlay::read(OVERLAY).unwrap())),
        ..Settings::new(
            name.parse().unwrap(),
            *transform,
            Codecs::in_process(Bounds::default()),
        )
    };
    Builtin::new(*transform, settings)
}

pub(crate) async fn run_of(
    operation: &Builtin,
    content: &[u8],
    params: Value,
) -> Result<Product, OperationError> {
    let schema = &operation.description().params;
    let params = schema.accept(params.as_object().unwrap()).unwrap();
    let asset = Asset {
        url: "https://example.com/a".parse().unwrap(),
        content: content.to_vec().into(),
    };
    operation
        .run(&"acme".parse().unwrap(), asset, &params)
        .await
}

/// Runs a transform where it has to succeed.
pub(crate) async fn made(name: &str, content: &[u8], params: Value) -> Product {
    run_of(&built_in(name), content, params.clone())
        .await
        .unwrap_or_else(|error| panic!("{name} {params}: {error:?}"))
}

/// Runs a transform where it has to fail for good.
pub(crate) async fn failure(name: &str, content: &[u8], params: Value) -> Failure {
    match run_of(&built_in(name), content, params).await {
        Err(OperationError::Permanent(failure)) if !failure.retryable => failure,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn decoded(product: &Product) -> DynamicImage {
    image::load_from_memory(&product.content).unwrap()
}

/// A picture that another program made of the same.
pub(crate) fn reference(name: &str) -> RgbImage {
    let path = format!(
        "{}/tests/fixtures/reference/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    image::open(path).unwrap().into_rgb8()
}

/// The mean structural similarity (SSIM) of the brightness, 1 for equals.
pub(crate) fn similarity(one: &DynamicImage, other: &RgbImage) -> f64 {
    let one = one.to_luma8();
    let other = DynamicImage::from(other.clone()).to_luma8();
    image_compare::gray_similarity_structure(&Algorithm::MSSIMSimple, &one, &other)
        .unwrap()
        .score
}

/// The mean difference of the channels, from 0 to 255: what SSIM does not see of colours.
pub(crate) fn difference(one: &DynamicImage, other: &RgbImage) -> f64 {
    let one = one.to_rgb8();
    assert_eq!(one.dimensions(), other.dimensions());
    let pairs = one.as_raw().iter().zip(other.as_raw());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / f64::from(one.width() * one.height() * 3)
}
