//! JPEG.

use std::panic::{AssertUnwindSafe, catch_unwind};

use assetmill_core::OperationError;
use image::DynamicImage;
use mozjpeg::{ColorSpace, Compress, Marker};

use super::failed;

/// From this quality on, colours are kept as fine as brightness: who asks for so much would see it.
const FINE_COLOUR_FROM: u8 = 90;

/// Encodes a grey or RGB picture with 8 bits a channel.
pub(super) fn encode(
    image: &DynamicImage,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, OperationError> {
    // The library unwinds where it can't go on, and leaves nothing behind.
    let written = catch_unwind(AssertUnwindSafe(|| {
        write(image, quality, profile, Effort::Fast)
    }));
    finished(written)
}

/// Encodes a picture into fewer bytes, and more slowly.
pub(crate) fn encode_small(
    image: &DynamicImage,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, OperationError> {
    let written = catch_unwind(AssertUnwindSafe(|| {
        write(image, quality, profile, Effort::Small)
    }));
    finished(written)
}

/// What begins the payload of a segment with a part of an ICC profile (ICC.1:2022, B.4).
const ICC: &[u8] = b"ICC_PROFILE\0";
/// The most bytes of one part: a segment of at most 65,535 bytes holds its own length, the beginning, and
/// the number of the part and of all parts.
const MAX_PART_BYTES: usize = 65_535 - 2 - ICC.len() - 2;

/// The payloads that carry a profile, numbered from 1.
fn parts(profile: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let parts = profile.chunks(MAX_PART_BYTES);
    let count = u8::try_from(parts.len()).unwrap_or(u8::MAX);
    parts
        .zip(1_u8..=count)
        .map(move |(part, number)| [ICC, &[number, count], part].concat())
}

fn finished(
    written: std::thread::Result<std::io::Result<Vec<u8>>>,
) -> Result<Vec<u8>, OperationError> {
    match written {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(failed("its size or profile is more than JPEG can hold")),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    Fast,
    Small,
}

fn write(
    image: &DynamicImage,
    quality: u8,
    profile: Option<&[u8]>,
    effort: Effort,
) -> std::io::Result<Vec<u8>> {
    let colour = image.color().has_color();
    let mut encoder = Compress::new(if colour {
        ColorSpace::JCS_RGB
    } else {
        ColorSpace::JCS_GRAYSCALE
    });
    if effort == Effort::Fast {
        encoder.set_fastest_defaults();
    }
    encoder.set_size(image.width() as usize, image.height() as usize);
    encoder.set_quality(quality.into());
    encoder.set_optimize_coding(true);
    if colour {
        let sampling = if quality < FINE_COLOUR_FROM {
            (2, 2)
        } else {
            (1, 1)
        };
        encoder.set_chroma_sampling_pixel_sizes(sampling, sampling);
    }
    let mut started = encoder.start_compress(Vec::new())?;
    if let Some(profile) = profile {
        for part in parts(profile) {
            started.write_marker(Marker::APP(2), &part);
        }
    }
    started.write_scanlines(image.as_bytes())?;
    started.finish()
}
