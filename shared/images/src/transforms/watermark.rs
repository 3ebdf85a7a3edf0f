//! A picture with the operator's mark on it.

use assetmill_core::{MediaType, OperationError, ParamValue, Params, Sha256Digest};
use bytes::Bytes;
use image::imageops;
use image::{DynamicImage, RgbaImage};
use serde::{Deserialize, Serialize};

use crate::decode::decode;
use crate::encode::with_eight_bits;
use crate::format::Format;
use crate::geometry::{Gravity, Part, Plan, Size};
use crate::header::Header;
use crate::params::{Specs, choice, encoding_specs, gravity, share};
use crate::resize::resize;
use crate::upright::Upright;

/// The most pixels of an overlay: it is kept in memory.
const MAX_PIXELS: u64 = 16_000_000;

/// What is laid over pictures: a PNG or WebP that can be read. `Debug` shows its digest alone.
pub struct Overlay {
    content: Bytes,
    digest: Sha256Digest,
    pixels: u64,
}

/// A picture that can't be an overlay, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OverlayError(String);

/// Where the overlay is to be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Placing {
    pub(crate) gravity: Gravity,
    /// Its width, as a share of the picture's.
    pub(crate) size: f64,
    /// The room beside it, as a share of the picture's shorter side.
    pub(crate) margin: f64,
    /// From 0 to 1.
    pub(crate) opacity: f64,
}

impl Overlay {
    /// Reads an overlay: a PNG or WebP, of at most 16 megapixels.
    ///
    /// # Errors
    /// [`OverlayError`] says why it is none.
    pub fn read(content: &[u8]) -> Result<Self, OverlayError> {
        let image =
            decoded(content).map_err(|error| OverlayError(error.failure().message.clone()))?;
        Ok(Self {
            content: Bytes::copy_from_slice(content),
            digest: Sha256Digest::of(content),
            pixels: u64::from(image.width()) * u64::from(image.height()),
        })
    }

    /// Its file.
    pub(crate) fn content(&self) -> &Bytes {
        &self.content
    }

    pub(crate) fn pixels(&self) -> u64 {
        self.pixels
    }

    /// Tells overlays apart.
    pub fn digest(&self) -> &Sha256Digest {
        &self.digest
    }
}

impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Overlay({})", self.digest)
    }
}

/// What it can be asked for.
pub(crate) fn params() -> Specs {
    let mut specs = encoding_specs(Some("auto"));
    specs.extend([
        choice(
            "gravity",
            "Where the overlay is",
            Gravity::NAMES,
            "southeast",
        ),
        share(
            "size",
            "The width of the overlay, as a share of the picture's",
            0.01,
            0.25,
        ),
        share(
            "margin",
            "The room beside it, as a share of the picture's shorter side",
            0.0,
            0.03,
        ),
        share("opacity", "How opaque the overlay is", 0.0, 1.0),
    ]);
    specs
}

/// Where the overlay is to be.
pub(crate) fn placing(params: &Params) -> Placing {
    let share = |name, default| match params.get(name) {
        Some(ParamValue::Number(share)) => *share,
        _ => default,
    };
    Placing {
        gravity: gravity(params),
        size: share("size", 0.25),
        margin: share("margin", 0.03),
        opacity: share("opacity", 1.0),
    }
}

/// The pixels of an overlay.
pub(crate) fn decoded(content: &[u8]) -> Result<RgbaImage, OperationError> {
    let format = Format::of(content, &[MediaType::png(), MediaType::webp()])?;
    Header::read(content, format, MAX_PIXELS)?;
    Ok(decode(content, format, &|_, _| 1)?.image.into_rgba8())
}

/// Lays the overlay over a picture. It keeps its shape, and fits into the room between the margins.
pub(crate) fn lay(
    base: Upright,
    overlay: &RgbaImage,
    placing: Placing,
) -> Result<Upright, OperationError> {
    let had_alpha = base.image.color().has_alpha();
    let mut image = with_eight_bits(base.image).into_rgba8();
    let (width, height) = image.dimensions();
    let margin = pixels(f64::from(width.min(height)) * placing.margin);
    let bounds = Size {
        width: pixels(f64::from(width) * placing.size)
            .min(width.saturating_sub(2 * margin))
            .max(1),
        height: height.saturating_sub(2 * margin).max(1),
    };
    let size = Size {
        width: overlay.width(),
        height: overlay.height(),
    };
    let plan = Plan {
        part: Part::WHOLE,
        target: size.scaled_into(bounds),
    };
    let extent = (f64::from(size.width), f64::from(size.height));
    let mark = DynamicImage::from(overlay.clone());
    let mut mark = resize(mark, extent, plan)?.into_rgba8();
    for pixel in mark.pixels_mut() {
        pixel.0[3] = byte(f64::from(pixel.0[3]) * placing.opacity);
    }
    let place = |side: u32, mark: u32, gravity: f64| {
        let margin = margin.min(side.saturating_sub(mark) / 2);
        let room = f64::from(side.saturating_sub(mark).saturating_sub(2 * margin));
        i64::from(margin) + i64::from(pixels(room * gravity))
    };
    let left = place(width, mark.width(), placing.gravity.x);
    let top = place(height, mark.height(), placing.gravity.y);
    imageops::overlay(&mut image, &mark, left, top);
    let image = DynamicImage::from(image);
    Ok(Upright {
        image: if had_alpha {
            image
        } else {
            image.into_rgb8().into()
        },
        // A grey profile would not fit the colours that the picture now has.
        profile: base
            .profile
            .filter(|profile| profile.get(16..20) == Some(b"RGB ")),
    })
}

/// Shares of sides are far below 2^32.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn pixels(length: f64) -> u32 {
    length.round().max(0.0) as u32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
