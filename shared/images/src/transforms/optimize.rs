//! The same picture in fewer bytes.

use assetmill_core::{FailureCode, OperationError, Product};
use image::metadata::Orientation;

use crate::decode::decode;
use crate::encode::{encode, encode_small_jpeg, with_eight_bits};
use crate::encoding::{Encoding, ProfilePolicy};
use crate::format::{Format, Output};
use crate::params::{Specs, quality_spec};

/// The formats that can be written as they were read.
pub(crate) const FORMATS: &[Format] = &[Format::Jpeg, Format::Png, Format::WebP];

/// How hard PNG is tried, from 0 to 6: 2 is the tool's own default.
const PNG_EFFORT: u8 = 2;

/// What it can be asked for.
pub(crate) fn params() -> Specs {
    Specs::from([quality_spec()])
}

/// The picture in the same format and size: JPEG and WebP with a quality, PNG without loss. A result that
/// is not smaller is none, and the asset comes back as it is.
pub(crate) fn optimize(
    content: &[u8],
    format: Format,
    quality: u8,
) -> Result<Product, OperationError> {
    let picture = decode(content, format, &|_, _| 1)?;
    let upright = picture.orientation == Orientation::NoTransforms;
    let optimized = match format {
        // What is upright need not be decoded for it: bits beyond 8 and palettes stay.
        Format::Png if upright => small_png(content)?,
        _ => {
            let mut image = with_eight_bits(picture.image);
            image.apply_orientation(picture.orientation);
            if format == Format::Jpeg {
                encode_small_jpeg(&image, quality, picture.profile.as_deref())?
            } else {
                let output = format.output();
                let encoding = Encoding {
                    output: None,
                    quality,
                    background: [255; 3],
                    max_bytes: None,
                    profile: ProfilePolicy::Keep,
                };
                let written = encode(image, picture.profile.as_deref(), output, &encoding)?.content;
                match output {
                    Output::Png => small_png(&written)?,
                    _ => written.to_vec(),
                }
            }
        }
    };
    let smaller = optimized.len() < content.len() || !upright;
    Ok(Product {
        content: if smaller {
            optimized.into()
        } else {
            content.to_vec().into()
        },
        media_type: format.media_type(),
    })
}

fn small_png(content: &[u8]) -> Result<Vec<u8>, OperationError> {
    let mut options = oxipng::Options::from_preset(PNG_EFFORT);
    options.strip = oxipng::StripChunks::Safe;
    oxipng::optimize_from_memory(content, &options).map_err(|error| {
        OperationError::permanent(
            FailureCode::CorruptAsset,
            format!("the PNG can't be made smaller: {error}"),
        )
    })
}
