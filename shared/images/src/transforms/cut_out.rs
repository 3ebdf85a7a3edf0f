//! A picture cut out by a mask.

use assetmill_core::{Failure, FailureCode, OperationError, Product};
use image::{DynamicImage, imageops};

use crate::decode::decode;
use crate::encode::encode;
use crate::encoding::{Encoding, ProfilePolicy};
use crate::format::{Format, Output};
use crate::upright::{Upright, upright};

/// The asset as a PNG, as opaque as the mask is bright at each place. A mask of another size is
/// stretched to that of the asset, as it stands upright.
pub(crate) fn cut_out(
    asset: &[u8],
    format: Format,
    mask: &[u8],
    mask_format: Format,
) -> Result<Product, OperationError> {
    let Upright { image, profile } = upright(asset, format)?;
    let mask = decode(mask, mask_format, &|_, _| 1).map_err(|error| unfit(error.failure()))?;
    let mut opaque = image.into_rgba8();
    let mut mask = mask.image.into_luma8();
    if mask.dimensions() != opaque.dimensions() {
        let (width, height) = opaque.dimensions();
        mask = imageops::resize(&mask, width, height, imageops::FilterType::Triangle);
    }
    for (pixel, opacity) in opaque.pixels_mut().zip(mask.pixels()) {
        // What is transparent in the asset stays so.
        pixel.0[3] = pixel.0[3].min(opacity.0[0]);
    }
    let image = DynamicImage::from(opaque);
    encode(image, profile.as_deref(), Output::Png, &ENCODING)
}

/// Without loss.
const ENCODING: Encoding = Encoding {
    output: None,
    quality: 100,
    background: [255; 3],
    max_bytes: None,
    profile: ProfilePolicy::Keep,
};

/// A mask that can't be read is the vendor's fault.
pub(crate) fn unfit(failure: &Failure) -> OperationError {
    OperationError::permanent(
        FailureCode::VendorResponseInvalid,
        format!("the vendor's mask can't be used: {}", failure.message),
    )
}
