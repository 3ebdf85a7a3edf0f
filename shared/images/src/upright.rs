//! Pictures as they are to be seen.

use assetmill_core::OperationError;
use image::DynamicImage;

use super::decode::{Picture, decode};
use super::format::Format;

/// An upright picture, and the ICC profile that its colours are meant in.
pub(super) struct Upright {
    pub(super) image: DynamicImage,
    pub(super) profile: Option<Vec<u8>>,
}

/// The picture, upright and in full.
pub(super) fn upright(content: &[u8], format: Format) -> Result<Upright, OperationError> {
    let Picture {
        mut image,
        orientation,
        profile,
        ..
    } = decode(content, format, &|_, _| 1)?;
    image.apply_orientation(orientation);
    Ok(Upright { image, profile })
}
