//! A picture with the operator's mark on it.

use assetmill_core::{MediaType, Setback, Sha256Digest};
use image::imageops;
use image::{DynamicImage, RgbaImage};

use super::decode::{Format, decode};
use super::encode::with_eight_bits;
use super::geometry::{Gravity, Part, Plan, Size};
use super::picture::Upright;
use super::resize::resize;

/// The most pixels of an overlay: it is kept in memory.
const MAX_PIXELS: u64 = 16_000_000;

/// What is laid over pictures. `Debug` shows its size alone.
pub struct Overlay {
    image: RgbaImage,
    digest: Sha256Digest,
}

/// A picture that can't be an overlay, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OverlayError(String);

/// Where the overlay is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placing {
    pub(super) gravity: Gravity,
    /// Its width, as a share of the picture's.
    pub(super) size: f64,
    /// The room beside it, as a share of the picture's shorter side.
    pub(super) margin: f64,
    /// From 0 to 1.
    pub(super) opacity: f64,
}

impl Overlay {
    /// Reads an overlay: a PNG or WebP, of at most 16 megapixels.
    ///
    /// # Errors
    /// [`OverlayError`] says why it is none.
    pub fn read(content: &[u8]) -> Result<Self, OverlayError> {
        let accepted = [MediaType::png(), MediaType::webp()];
        let picture = Format::of(content, &accepted)
            .and_then(|format| decode(content, format, MAX_PIXELS, &|_, _| 1))
            .map_err(|setback| OverlayError(setback.failure().message.clone()))?;
        Ok(Self {
            image: picture.image.into_rgba8(),
            digest: Sha256Digest::of(content),
        })
    }

    /// Tells overlays apart.
    pub fn digest(&self) -> &Sha256Digest {
        &self.digest
    }
}

impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (width, height) = self.image.dimensions();
        write!(f, "Overlay({width} × {height})")
    }
}

/// Lays the overlay over a picture. It keeps its shape, and fits into the room between the margins.
pub(super) fn lay(base: Upright, overlay: &Overlay, placing: Placing) -> Result<Upright, Setback> {
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
        width: overlay.image.width(),
        height: overlay.image.height(),
    };
    let plan = Plan {
        part: Part::WHOLE,
        target: size.scaled_into(bounds),
    };
    let extent = (f64::from(size.width), f64::from(size.height));
    let mark = DynamicImage::from(overlay.image.clone());
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
