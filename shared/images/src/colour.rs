//! Colours, and the profiles that they are meant in.

use assetmill_core::{FailureCode, OperationError};
use image::{DynamicImage, RgbImage, RgbaImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use super::encode::with_eight_bits;
use super::encoding::ProfilePolicy;
use super::format::Output;
use super::upright::Upright;

/// The picture with the profile that its output can carry, looking the same: colours are converted to
/// sRGB where that is wanted, or where the output carries no profile.
pub(super) fn settled(
    picture: Upright,
    output: Output,
    policy: ProfilePolicy,
) -> Result<Upright, OperationError> {
    let keeps = policy == ProfilePolicy::Keep && output.carries_profile(&picture.image);
    match &picture.profile {
        Some(profile) if !keeps => {
            let image = to_srgb(with_eight_bits(picture.image), profile)?;
            Ok(Upright {
                image,
                profile: None,
            })
        }
        _ => Ok(picture),
    }
}

/// A profile that can't be used is as good as none: pictures without one are taken for sRGB.
fn to_srgb(image: DynamicImage, profile: &[u8]) -> Result<DynamicImage, OperationError> {
    let Ok(source) = ColorProfile::new_from_slice(profile) else {
        return Ok(image);
    };
    let gray = source.color_space == DataColorSpace::Gray;
    if gray == image.color().has_color() {
        return Ok(image);
    }
    let (width, height) = (image.width(), image.height());
    let alpha = image.color().has_alpha();
    let (from, to) = match (gray, alpha) {
        (true, false) => (Layout::Gray, Layout::Rgb),
        (true, true) => (Layout::GrayAlpha, Layout::Rgba),
        (false, false) => (Layout::Rgb, Layout::Rgb),
        (false, true) => (Layout::Rgba, Layout::Rgba),
    };
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) = source.create_transform_8bit(from, &srgb, to, TransformOptions::default())
    else {
        return Ok(image);
    };
    let channels = if alpha { 4 } else { 3 };
    let mut converted = vec![0; width as usize * height as usize * channels];
    transform
        .transform(image.as_bytes(), &mut converted)
        .map_err(|error| failed(&error))?;
    let image = if alpha {
        RgbaImage::from_raw(width, height, converted).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, converted).map(DynamicImage::from)
    };
    image.ok_or_else(|| failed(&"it has another size"))
}

fn failed(error: &dyn std::fmt::Display) -> OperationError {
    OperationError::permanent(
        FailureCode::OperationCrashed,
        format!("the colours can't be converted: {error}"),
    )
}
