//! From content to content: what all transforms of pictures have in common.

use assetmill_core::{OperationError, Product};

use super::colour;
use super::decode::decode;
use super::encode::encode;
use super::encoding::Encoding;
use super::format::Format;
use super::geometry::{Geometry, Size, turns};
use super::resize::resize;
use super::upright::Upright;

/// The picture, upright and in the shape that is wanted. It is turned last, when it is small.
pub(super) fn shaped(
    content: &[u8],
    format: Format,
    geometry: Geometry,
) -> Result<Upright, OperationError> {
    let plan = |stored: Size, orientation| {
        let upright = if turns(orientation) {
            stored.turned()
        } else {
            stored
        };
        geometry.plan(upright).before(orientation)
    };
    let picture = decode(content, format, &|stored, orientation| {
        plan(stored, orientation).shrink(stored)
    })?;
    let plan = plan(picture.full_size, picture.orientation);
    let extent = picture.extent();
    let mut image = resize(picture.image, extent, plan)?;
    image.apply_orientation(picture.orientation);
    Ok(Upright {
        image,
        profile: picture.profile,
    })
}

/// The picture as content, in the format that is wanted; `found` is that of the asset.
pub(super) fn finish(
    picture: Upright,
    found: Format,
    encoding: &Encoding,
) -> Result<Product, OperationError> {
    let output = encoding.output.unwrap_or(found.output());
    let Upright { image, profile } = colour::settled(picture, output, encoding.profile)?;
    encode(image, profile.as_deref(), output, encoding)
}
