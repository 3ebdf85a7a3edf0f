//! From many pixels to few.

use assetmill_core::{FailureCode, Setback};
use fast_image_resize::{FilterType, MulDiv, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;
use image::metadata::Orientation;

/// Width and height in pixels, each at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Size {
    /// The largest size of the same shape that fits into a box, and is not larger than itself.
    pub(super) fn fit(self, bounds: Self) -> Self {
        if self.width <= bounds.width && self.height <= bounds.height {
            return self;
        }
        let wider = u64::from(self.width) * u64::from(bounds.height)
            >= u64::from(self.height) * u64::from(bounds.width);
        if wider {
            Self {
                width: bounds.width,
                height: share(self.height, bounds.width, self.width),
            }
        } else {
            Self {
                width: share(self.width, bounds.height, self.height),
                height: bounds.height,
            }
        }
    }

    fn turned(self) -> Self {
        Self {
            width: self.height,
            height: self.width,
        }
    }
}

/// `length * part / whole`, rounded, at least 1. `part` is never above `whole`.
fn share(length: u32, part: u32, whole: u32) -> u32 {
    let whole = u64::from(whole);
    let rounded = (u64::from(length) * u64::from(part) + whole / 2) / whole;
    u32::try_from(rounded).unwrap_or(length).max(1)
}

/// Makes a picture upright and fits it into a box, with Lanczos3 and, where it has an alpha channel,
/// premultiplied. It is turned last, when it is small.
pub(super) fn upright_within(
    image: DynamicImage,
    orientation: Orientation,
    bounds: Size,
) -> Result<DynamicImage, Setback> {
    let size = Size {
        width: image.width(),
        height: image.height(),
    };
    let target = size.fit(if turns(orientation) {
        bounds.turned()
    } else {
        bounds
    });
    let mut small = if target == size {
        image
    } else {
        resize(image, target)?
    };
    small.apply_orientation(orientation);
    Ok(small)
}

/// Alpha is multiplied in place: the resizer's own way takes a second copy of the large picture.
fn resize(mut image: DynamicImage, target: Size) -> Result<DynamicImage, Setback> {
    let mut small = DynamicImage::new(target.width, target.height, image.color());
    let has_alpha = image.color().has_alpha();
    if has_alpha {
        let multiplied = MulDiv::new().multiply_alpha_inplace(&mut image);
        multiplied.map_err(failed)?;
    }
    let filter = ResizeAlg::Convolution(FilterType::Lanczos3);
    let options = ResizeOptions::new().resize_alg(filter).use_alpha(false);
    let resized = Resizer::new().resize(&image, &mut small, &options);
    resized.map_err(failed)?;
    if has_alpha {
        let divided = MulDiv::new().divide_alpha_inplace(&mut small);
        divided.map_err(failed)?;
    }
    Ok(small)
}

fn failed(error: impl std::fmt::Display) -> Setback {
    Setback::lasting(
        FailureCode::OperationCrashed,
        format!("the picture can't be resized: {error}"),
    )
}

fn turns(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn the_shape_is_kept_and_nothing_grows() {
        for (from, bounds, expected) in [
            ((4000, 3000), (512, 512), (512, 384)),
            ((3000, 4000), (512, 512), (384, 512)),
            ((100, 50), (512, 512), (100, 50)),
            ((512, 512), (512, 512), (512, 512)),
            ((513, 512), (512, 512), (512, 511)),
            ((1, 20_000), (512, 512), (1, 512)),
            ((20_000, 1), (1, 1), (1, 1)),
            ((3, 2), (2, 8192), (2, 1)),
        ] {
            let fitted = size(from.0, from.1).fit(size(bounds.0, bounds.1));
            assert_eq!(fitted, size(expected.0, expected.1), "{from:?} {bounds:?}");
        }
    }

    proptest! {
        #[test]
        fn every_size_fits_within_a_pixel_of_its_shape(
            width in 1_u32..=u32::MAX,
            height in 1_u32..=u32::MAX,
            box_width in 1_u32..=8192,
            box_height in 1_u32..=8192,
        ) {
            let fitted = size(width, height).fit(size(box_width, box_height));
            prop_assert!((1..=box_width.min(width)).contains(&fitted.width));
            prop_assert!((1..=box_height.min(height)).contains(&fitted.height));
            let scale = (f64::from(box_width) / f64::from(width))
                .min(f64::from(box_height) / f64::from(height))
                .min(1.0);
            prop_assert!((f64::from(width) * scale - f64::from(fitted.width)).abs() <= 1.0);
            prop_assert!((f64::from(height) * scale - f64::from(fitted.height)).abs() <= 1.0);
        }
    }
}
