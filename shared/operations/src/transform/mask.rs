//! A picture cut out by a mask.

use assetmill_core::{Failure, FailureCode, Product, Setback};
use bytes::Bytes;
use image::{DynamicImage, imageops};

use super::decode::{Format, Picture, decode};
use super::encode::encode;
use super::{DEFAULT_MAX_PIXELS, blocking};

/// The asset as a PNG, as opaque as the mask is bright at each place. A mask of another size is
/// stretched to that of the asset, as it stands upright.
///
/// # Errors
/// As of the transforms; a mask that can't be read is the vendor's fault.
pub(crate) async fn apply(asset: Bytes, mask: Bytes) -> Result<Product, Setback> {
    blocking::run(move |stop| {
        let Picture {
            mut image,
            orientation,
            profile,
        } = decode(&asset, Format::of(&asset)?, DEFAULT_MAX_PIXELS)?;
        image.apply_orientation(orientation);
        stop.check()?;
        let mask = Format::of(&mask)
            .and_then(|format| decode(&mask, format, DEFAULT_MAX_PIXELS))
            .map_err(|setback| unfit(setback.failure()))?;
        let mut opaque = image.into_rgba8();
        let mut mask = mask.image.into_luma8();
        if mask.dimensions() != opaque.dimensions() {
            let (width, height) = opaque.dimensions();
            mask = imageops::resize(&mask, width, height, imageops::FilterType::Triangle);
        }
        stop.check()?;
        for (pixel, opacity) in opaque.pixels_mut().zip(mask.pixels()) {
            // What is transparent in the asset stays so.
            pixel.0[3] = pixel.0[3].min(opacity.0[0]);
        }
        encode(DynamicImage::from(opaque), Format::Png, 100, profile)
    })
    .await
}

fn unfit(failure: &Failure) -> Setback {
    Setback::lasting(
        FailureCode::VendorResponseInvalid,
        format!("the vendor's mask can't be used: {}", failure.message),
    )
}
