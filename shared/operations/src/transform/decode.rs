//! From content to pixels.

mod jpeg;
mod profile;

use std::io::Cursor;

use assetmill_core::{FailureCode, MediaType, Setback};
use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, Limits};

use super::encode::Output;
use super::geometry::Size;
use super::webp;
use crate::sniff;

/// What a PNG's rows and metadata may take besides its pixels: well above any profile or row, and
/// well below what hurts.
const PNG_EXTRA_BYTES: u64 = 64 * 1024 * 1024;

/// The formats that pictures are read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
    Tiff,
    Bmp,
}

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

impl Format {
    pub(super) const ALL: &[Self] = &[
        Self::Jpeg,
        Self::Png,
        Self::WebP,
        Self::Gif,
        Self::Tiff,
        Self::Bmp,
    ];

    /// The format that the content shows, which must be one of those that are accepted.
    pub(super) fn of(content: &[u8], accepted: &[MediaType]) -> Result<Self, Setback> {
        let found = sniff::media_type(content);
        let format = Self::ALL.iter().find(|format| format.media_type() == found);
        match format {
            Some(format) if accepted.contains(&found) => Ok(*format),
            _ => {
                let names: Vec<_> = accepted.iter().map(MediaType::as_str).collect();
                Err(Setback::lasting(
                    FailureCode::UnsupportedMediaType,
                    format!(
                        "the content is {found}, not a picture that is taken here; give one of {}",
                        names.join(", ")
                    ),
                ))
            }
        }
    }

    pub(super) fn media_type(self) -> MediaType {
        match self {
            Self::Jpeg => MediaType::jpeg(),
            Self::Png => MediaType::png(),
            Self::WebP => MediaType::webp(),
            Self::Gif => MediaType::gif(),
            Self::Tiff => MediaType::tiff(),
            Self::Bmp => MediaType::bmp(),
        }
    }

    /// The format that a picture of this one is written in unless another is asked for.
    pub(super) fn output(self) -> Output {
        match self {
            Self::Jpeg => Output::Jpeg,
            Self::WebP => Output::WebP,
            Self::Png | Self::Gif | Self::Tiff | Self::Bmp => Output::Png,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
        }
    }
}

/// Decodes a picture of at most `max_pixels`; a larger one is refused from its header. Of an
/// animation, the first frame is taken.
pub(super) fn decode(
    content: &[u8],
    format: Format,
    max_pixels: u64,
    shrink: Shrink<'_>,
) -> Result<Picture, Setback> {
    let cursor = Cursor::new(content);
    let decoded = match format {
        Format::Jpeg => {
            if !jpeg::is_whole(content) {
                return Err(corrupt(format, "it ends before its end marker"));
            }
            if let Some((width, height)) = jpeg::declared_size(content) {
                check_pixels(width, height, max_pixels)?;
            }
            if let Some(picture) = jpeg::decode(content, max_pixels, shrink)? {
                return Ok(picture);
            }
            JpegDecoder::new(cursor).map(|decoder| read(decoder, format, max_pixels))
        }
        Format::Png => {
            if let Some((width, height)) = png_size(content) {
                check_pixels(width, height, max_pixels)?;
            }
            PngDecoder::with_limits(cursor, png_limits())
                .map(|decoder| read(decoder, format, max_pixels))
        }
        Format::WebP => {
            for (width, height) in webp::lossy_frames(content) {
                check_pixels(width, height, max_pixels)?;
            }
            WebPDecoder::new(cursor).map(|decoder| read(decoder, format, max_pixels))
        }
        Format::Gif => GifDecoder::new(cursor).map(|decoder| read(decoder, format, max_pixels)),
        Format::Tiff => TiffDecoder::new(cursor).map(|decoder| read(decoder, format, max_pixels)),
        Format::Bmp => BmpDecoder::new(cursor).map(|decoder| read(decoder, format, max_pixels)),
    };
    decoded.map_err(|error| setback(format, &error))?
}

fn read(
    mut decoder: impl ImageDecoder,
    format: Format,
    max_pixels: u64,
) -> Result<Picture, Setback> {
    let (width, height) = decoder.dimensions();
    check_pixels(width, height, max_pixels)?;
    // Metadata that can't be read is metadata that the picture does not have.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let exif = decoder.exif_metadata().ok().flatten();
    let image = DynamicImage::from_decoder(decoder).map_err(|error| setback(format, &error))?;
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

/// Before the decoder sets a row aside, and calls a wide one too much memory: signature, length and
/// name of the first chunk, then width and height (RFC 2083, section 11.2.2).
fn png_size(content: &[u8]) -> Option<(u32, u32)> {
    let (width, rest) = content
        .get(12..)?
        .strip_prefix(b"IHDR")?
        .split_first_chunk()?;
    let height = rest.first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

fn png_limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(PNG_EXTRA_BYTES);
    limits
}

/// The longest side that is decoded: the longest that JPEG has. Resizing needs some 60 bytes for each
/// pixel of a side, whatever the other is.
const MAX_SIDE: u32 = 65_535;

fn check_pixels(width: u32, height: u32, max_pixels: u64) -> Result<(), Setback> {
    if width.max(height) > MAX_SIDE {
        return Err(Setback::lasting(
            FailureCode::TooManyPixels,
            format!(
                "the picture has {width} × {height} pixels, more on a side than the {MAX_SIDE} that \
                 are decoded; use a smaller one"
            ),
        ));
    }
    if u64::from(width) * u64::from(height) <= max_pixels {
        return Ok(());
    }
    Err(Setback::lasting(
        FailureCode::TooManyPixels,
        format!(
            "the picture has {width} × {height} pixels, more than the {max_pixels} that are \
             decoded; use a smaller one"
        ),
    ))
}

fn setback(format: Format, error: &ImageError) -> Setback {
    match error {
        ImageError::Unsupported(_) => Setback::lasting(
            FailureCode::UnsupportedMediaType,
            format!(
                "this kind of {} can't be decoded ({error}); save it as a common one",
                format.name()
            ),
        ),
        ImageError::Limits(_) => Setback::lasting(
            FailureCode::TooManyPixels,
            format!(
                "the {} needs more memory than it is given ({error}); use a smaller one",
                format.name()
            ),
        ),
        _ => corrupt(format, &error.to_string()),
    }
}

fn corrupt(format: Format, reason: &str) -> Setback {
    Setback::lasting(
        FailureCode::CorruptAsset,
        format!(
            "the {} is damaged or not whole ({reason}); check that the file opens elsewhere",
            format.name()
        ),
    )
}
