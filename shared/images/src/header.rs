//! What a picture says of itself, read before anything is decoded or set aside for it.
//!
//! One file a format. Readers walk a picture's structure from end to end where that tells what decoding it
//! takes (the scans of a JPEG, the frames of a GIF), in time that is linear in its length, and keep nothing.

mod bmp;
mod bytes;
mod gif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use assetmill_core::{FailureCode, OperationError};

use crate::decode::corrupt;
use crate::format::Format;
use crate::geometry::Size;

/// What a picture says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// As it is stored: not yet upright.
    pub(crate) size: Size,
    /// The pixels of its largest frame; those of `size` where it has none.
    pub(crate) largest_frame: u64,
    /// How many pictures it holds; more than one is an animation.
    pub(crate) frames: u64,
    /// Channels of a decoded pixel.
    pub(crate) channels: u64,
    /// Bytes of a channel.
    pub(crate) depth: u64,
    /// How often a decoder goes over the whole picture: the scans of a JPEG.
    pub(crate) passes: u64,
    /// Segments, chunks, strips or tiles: each costs a moment by itself.
    pub(crate) pieces: u64,
    /// The most bytes that its profile and metadata can be, unpacked.
    pub(crate) metadata: u64,
    /// What a decoder has to keep besides the pixels, in bytes.
    pub(crate) scratch: u64,
}

impl Header {
    /// One picture of 8 bits a channel, decoded in one pass.
    fn plain(width: u32, height: u32, channels: u64) -> Self {
        Self {
            size: Size { width, height },
            largest_frame: u64::from(width) * u64::from(height),
            frames: 1,
            channels,
            depth: 1,
            passes: 1,
            pieces: 1,
            metadata: 0,
            scratch: 0,
        }
    }

    /// The header of a picture that may have `max_pixels` in each of its frames.
    ///
    /// # Errors
    /// A permanent error for a picture that is larger, or whose structure can't be followed.
    pub(crate) fn read(
        content: &[u8],
        format: Format,
        max_pixels: u64,
    ) -> Result<Self, OperationError> {
        let header = match format {
            Format::Jpeg => jpeg::header(content)?,
            Format::Png => png::header(content),
            Format::WebP => webp::header(content),
            Format::Gif => gif::header(content),
            Format::Tiff => tiff::header(content),
            Format::Bmp => bmp::header(content),
        };
        let header = header.ok_or_else(|| corrupt(format, "its header can't be read"))?;
        if header.size.width == 0 || header.size.height == 0 {
            return Err(corrupt(format, "it says that it has no pixels"));
        }
        header.check(max_pixels)?;
        Ok(header)
    }

    pub(crate) fn pixels(&self) -> u64 {
        self.size.pixels()
    }

    /// The bytes of the decoded picture.
    pub(crate) fn decoded(&self) -> u64 {
        self.pixels() * self.channels * self.depth
    }

    fn check(&self, max_pixels: u64) -> Result<(), OperationError> {
        let Size { width, height } = self.size;
        if width.max(height) > MAX_SIDE {
            return Err(too_many(format!(
                "the picture has {width} × {height} pixels, more on a side than the {MAX_SIDE} that \
                 are decoded; use a smaller one"
            )));
        }
        if self.pixels() > max_pixels {
            return Err(too_many(format!(
                "the picture has {width} × {height} pixels, more than the {max_pixels} that are \
                 decoded; use a smaller one"
            )));
        }
        if self.largest_frame > max_pixels {
            return Err(too_many(format!(
                "a frame of the picture has {} pixels, more than the {max_pixels} that are decoded; \
                 use a smaller one",
                self.largest_frame
            )));
        }
        Ok(())
    }
}

/// The longest side that is decoded: the longest that JPEG has. Resizing needs some 60 bytes for each
/// pixel of a side, whatever the other is.
const MAX_SIDE: u32 = 65_535;

/// A picture, or a result, of too many pixels.
pub(crate) fn too_many(message: String) -> OperationError {
    OperationError::permanent(FailureCode::TooManyPixels, message)
}
