//! JPEG by libjpeg-turbo, in the form of mozjpeg: it can leave out, while decoding, the detail that a
//! smaller picture would not show.

use std::panic::{AssertUnwindSafe, catch_unwind};

use assetmill_core::OperationError;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use mozjpeg::decompress::DecompressStarted;
use mozjpeg::{ColorSpace, Decompress, Marker};

use super::{Picture, Shrink, corrupt, profile, too_little_memory};
use crate::format::Format;
use crate::geometry::Size;

/// How the payload of an APP1 segment with EXIF metadata begins (Exif 2.32, 4.7.2).
const EXIF: &[u8] = b"Exif\0\0";
/// How that of an APP2 segment with a part of an ICC profile does, before the part's number and the
/// number of parts (ICC.1:2022, B.4).
const ICC: &[u8] = b"ICC_PROFILE\0";

/// Decodes a JPEG; `None` for the kinds of colour that it leaves to others.
pub(super) fn decode(
    content: &[u8],
    shrink: Shrink<'_>,
) -> Result<Option<Picture>, OperationError> {
    // The library unwinds where it can't go on, and leaves nothing behind.
    let decoded = catch_unwind(AssertUnwindSafe(|| read(content, shrink)));
    match decoded {
        Ok(result) => result,
        Err(reason) => {
            let reason = reason.downcast_ref::<String>().map(String::as_str);
            let reason = reason.unwrap_or("it can't be decoded");
            if reason.contains("Insufficient memory") {
                return Err(too_little_memory(Format::Jpeg));
            }
            Err(corrupt(
                Format::Jpeg,
                reason.trim_start_matches("libjpeg fatal error: "),
            ))
        }
    }
}

fn read(content: &[u8], shrink: Shrink<'_>) -> Result<Option<Picture>, OperationError> {
    let unreadable = |error: std::io::Error| corrupt(Format::Jpeg, &error.to_string());
    let markers = [Marker::APP(1), Marker::APP(2)];
    let mut decoder = Decompress::with_markers(&markers)
        .from_mem(content)
        .map_err(unreadable)?;
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let full_size = Size {
        width: side(decoder.width()),
        height: side(decoder.height()),
    };
    let metadata = Metadata::of(&decoder);
    // The library counts in eighths.
    let (scale, shrunk_by) = match shrink(full_size, metadata.orientation) {
        8.. => (1, 8),
        4.. => (2, 4),
        2.. => (4, 2),
        _ => (8, 1),
    };
    decoder.scale(scale);
    let image = match decoder.color_space() {
        ColorSpace::JCS_GRAYSCALE => gray(decoder.grayscale().map_err(unreadable)?),
        ColorSpace::JCS_YCbCr | ColorSpace::JCS_RGB => rgb(decoder.rgb().map_err(unreadable)?),
        _ => return Ok(None),
    };
    let image = image.map_err(unreadable)?;
    let profile = metadata.profile;
    Ok(Some(Picture {
        profile: profile.filter(|profile| profile::fits(profile, image.color())),
        image,
        full_size,
        shrunk_by,
        orientation: metadata.orientation,
        exif: metadata.exif,
    }))
}

fn gray(mut started: DecompressStarted<&[u8]>) -> std::io::Result<DynamicImage> {
    let (width, height) = size(&started);
    let pixels = started.read_scanlines::<u8>()?;
    started.finish()?;
    GrayImage::from_raw(width, height, pixels)
        .map(DynamicImage::from)
        .ok_or_else(short)
}

fn rgb(mut started: DecompressStarted<&[u8]>) -> std::io::Result<DynamicImage> {
    let (width, height) = size(&started);
    let pixels = started.read_scanlines::<u8>()?;
    started.finish()?;
    RgbImage::from_raw(width, height, pixels)
        .map(DynamicImage::from)
        .ok_or_else(short)
}

fn size(started: &DecompressStarted<&[u8]>) -> (u32, u32) {
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    (side(started.width()), side(started.height()))
}

fn short() -> std::io::Error {
    std::io::Error::other("it has fewer pixels than it says")
}

struct Metadata {
    orientation: Orientation,
    profile: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
}

impl Metadata {
    fn of<R>(decoder: &Decompress<R>) -> Self {
        let mut exif = None;
        let mut parts = Vec::new();
        for marker in decoder.markers() {
            if let Some(payload) = marker.data.strip_prefix(EXIF) {
                exif = exif.or_else(|| Some(payload.to_vec()));
            } else if let Some([number, count, part @ ..]) = marker.data.strip_prefix(ICC) {
                parts.push((*number, *count, part));
            }
        }
        parts.sort_by_key(|(number, _, _)| *number);
        // A profile that is not whole is none.
        let whole = parts.iter().zip(1..).all(|((number, count, _), expected)| {
            u32::from(*number) == expected && usize::from(*count) == parts.len()
        });
        let profile = parts.iter().map(|(_, _, part)| *part).collect::<Vec<_>>();
        Self {
            orientation: exif
                .as_deref()
                .and_then(Orientation::from_exif_chunk)
                .unwrap_or(Orientation::NoTransforms),
            profile: (whole && !profile.is_empty()).then(|| profile.concat()),
            exif,
        }
    }
}
