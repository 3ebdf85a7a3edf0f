//! From content to pixels.

mod jpeg;
mod profile;

use std::io::Cursor;

use assetmill_core::{FailureCode, OperationError};
use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, Limits};

use super::format::Format;
use super::geometry::Size;

/// What a PNG's rows and metadata may take besides its pixels: well above any profile or row, and
/// well below what hurts.
pub(super) const PNG_EXTRA_BYTES: u64 = 64 * 1024 * 1024;

/// A decoded picture.
pub(super) struct Picture {
    /// Its pixels, as they are stored: not yet upright; fewer of them, if that was asked for.
    pub(super) image: DynamicImage,
    /// Its size as it is stored.
    pub(super) full_size: Size,
    /// By how much it was divided while it was decoded.
    pub(super) shrunk_by: u32,
    /// What makes it upright.
    pub(super) orientation: Orientation,
    /// The ICC profile that its colours are meant in.
    pub(super) profile: Option<Vec<u8>>,
    /// Its EXIF metadata: a TIFF structure.
    pub(super) exif: Option<Vec<u8>>,
}

/// By how much a picture of this stored size and orientation may be divided while it is decoded: 1, 2, 4
/// or 8. Decoders that can't, don't.
pub(super) type Shrink<'a> = &'a dyn Fn(Size, Orientation) -> u32;

impl Picture {
    /// Width and height in its pixels, of which the last in a row may be there in part alone.
    pub(super) fn extent(&self) -> (f64, f64) {
        let by = f64::from(self.shrunk_by);
        let Size { width, height } = self.full_size;
        (f64::from(width) / by, f64::from(height) / by)
    }
}

/// Decodes a picture whose [`Header`](crate::header::Header) was read and is within bounds. Of an
/// animation, the first frame is taken.
pub(super) fn decode(
    content: &[u8],
    format: Format,
    shrink: Shrink<'_>,
) -> Result<Picture, OperationError> {
    let cursor = Cursor::new(content);
    let decoded = match format {
        Format::Jpeg => {
            if let Some(picture) = jpeg::decode(content, shrink)? {
                return Ok(picture);
            }
            JpegDecoder::new(cursor).map(|decoder| read(decoder, format))
        }
        Format::Png => PngDecoder::with_limits(cursor, png_limits()).map(|it| read(it, format)),
        Format::WebP => WebPDecoder::new(cursor).map(|decoder| read(decoder, format)),
        Format::Gif => GifDecoder::new(cursor).map(|decoder| read(decoder, format)),
        Format::Tiff => TiffDecoder::new(cursor).map(|decoder| read(decoder, format)),
        Format::Bmp => BmpDecoder::new(cursor).map(|decoder| read(decoder, format)),
    };
    decoded.map_err(|error| undecodable(format, &error))?
}

fn read(mut decoder: impl ImageDecoder, format: Format) -> Result<Picture, OperationError> {
    let (width, height) = decoder.dimensions();
    // Metadata that can't be read is metadata that the picture does not have.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let exif = decoder.exif_metadata().ok().flatten();
    let image = DynamicImage::from_decoder(decoder).map_err(|error| undecodable(format, &error))?;
    let profile = profile.filter(|profile| profile::fits(profile, image.color()));
    Ok(Picture {
        image,
        full_size: Size { width, height },
        shrunk_by: 1,
        orientation,
        profile,
        exif,
    })
}

fn png_limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(PNG_EXTRA_BYTES);
    limits
}

fn undecodable(format: Format, error: &ImageError) -> OperationError {
    match error {
        ImageError::Unsupported(_) => OperationError::permanent(
            FailureCode::UnsupportedMediaType,
            format!(
                "this kind of {} can't be decoded ({error}); save it as a common one",
                format.name()
            ),
        ),
        ImageError::Limits(_) => too_little_memory(format),
        _ => corrupt(format, &error.to_string()),
    }
}

/// A codec asked for more memory than it is given.
fn too_little_memory(format: Format) -> OperationError {
    OperationError::permanent(
        FailureCode::OperationTooExpensive,
        format!(
            "the {} needs more memory than was set aside for it; use a smaller one",
            format.name()
        ),
    )
}

/// The content is not what its format says that it has to be.
pub(super) fn corrupt(format: Format, reason: &str) -> OperationError {
    OperationError::permanent(
        FailureCode::CorruptAsset,
        format!(
            "the {} is damaged or not whole ({reason}); check that the file opens elsewhere",
            format.name()
        ),
    )
}
