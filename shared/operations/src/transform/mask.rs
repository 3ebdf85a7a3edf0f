//! A picture cut out by a mask.

use assetmill_core::{Failure, FailureCode, Product, Setback};
use bytes::Bytes;
use image::{DynamicImage, imageops};

use super::colour::ProfilePolicy;
use super::decode::{Format, decode};
use super::encode::{Encoding, Output, encode};
use super::picture::{Upright, upright};
use super::{DEFAULT_MAX_PIXELS, blocking};

/// The asset as a PNG, as opaque as the mask is bright at each place. A mask of another size is
/// stretched to that of the asset, as it stands upright.
///
/// # Errors
/// As of the transforms; a mask that can't be read is the vendor's fault.
pub(crate) async fn apply(asset: Bytes, mask: Bytes) -> Result<Product, Setback> {
    blocking::run(move |stop| {
        let accepted: Vec<_> = Format::ALL.iter().map(|it| it.media_type()).collect();
        let format = Format::of(&asset, &accepted)?;
        let Upright { image, profile } = upright(&asset, format, DEFAULT_MAX_PIXELS)?;
        stop.check()?;
        let mask = Format::of(&mask, &accepted)
            .and_then(|format| decode(&mask, format, DEFAULT_MAX_PIXELS, &|_, _| 1))
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
        let encoding = Encoding {
            output: None,
            quality: 100,
            background: [255; 3],
            max_bytes: None,
            profile: ProfilePolicy::Keep,
        };
        encode(
            DynamicImage::from(opaque),
            profile.as_deref(),
            Output::Png,
            &encoding,
            stop,
        )
    })
    .await
}

fn unfit(failure: &Failure) -> Setback {
    Setback::lasting(
        FailureCode::VendorResponseInvalid,
        format!("the vendor's mask can't be used: {}", failure.message),
    )
}
