//! The formats of pictures: those that are read, and those that are written.

use assetmill_core::{FailureCode, MediaType, OperationError};
use image::DynamicImage;
use serde::{Deserialize, Serialize};

/// The formats that pictures are read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
    Tiff,
    Bmp,
}

/// The formats that pictures are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Output {
    Jpeg,
    Png,
    WebP,
    Avif,
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
    pub(super) fn of(content: &[u8], accepted: &[MediaType]) -> Result<Self, OperationError> {
        let found = MediaType::of_content(content);
        let format = Self::ALL.iter().find(|format| format.media_type() == found);
        match format {
            Some(format) if accepted.contains(&found) => Ok(*format),
            _ => {
                let names: Vec<_> = accepted.iter().map(MediaType::as_str).collect();
                Err(OperationError::permanent(
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

    pub(super) fn name(self) -> &'static str {
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

impl Output {
    pub(super) const ALL: &[Self] = &[Self::Jpeg, Self::Png, Self::WebP, Self::Avif];

    /// What requests call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Avif => "avif",
        }
    }

    pub(super) fn media_type(self) -> MediaType {
        match self {
            Self::Jpeg => MediaType::jpeg(),
            Self::Png => MediaType::png(),
            Self::WebP => MediaType::webp(),
            Self::Avif => MediaType::avif(),
        }
    }

    /// The most pixels on a side: T.81, B.2.2 for JPEG; RFC 6386, 9.1 for WebP; AVIF's are those of AV1
    /// (AV1 specification, 5.5.1); a PNG's are bounded by others.
    pub(super) fn longest_side(self) -> u32 {
        match self {
            Self::WebP => 16_383,
            Self::Jpeg | Self::Avif => 65_535,
            Self::Png => u32::MAX,
        }
    }

    /// Whether it can carry the profile of such a picture. WebP knows no grey, whose profile would not
    /// fit its pixels; the encoder of AVIF writes none.
    pub(super) fn carries_profile(self, image: &DynamicImage) -> bool {
        match self {
            Self::Jpeg | Self::Png => true,
            Self::WebP => image.color().has_color(),
            Self::Avif => false,
        }
    }
}
