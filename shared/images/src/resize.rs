//! From many pixels to few, or to more.

use assetmill_core::{FailureCode, OperationError};
use fast_image_resize::{FilterType, MulDiv, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;

use super::geometry::{Part, Plan, Size};

/// The part of a picture that a plan names, in the size that it names: with Lanczos3 and, where it has an
/// alpha channel, premultiplied. `extent` is how much of its width and height counts.
pub(super) fn resize(
    image: DynamicImage,
    (width, height): (f64, f64),
    plan: Plan,
) -> Result<DynamicImage, OperationError> {
    let size = Size {
        width: image.width(),
        height: image.height(),
    };
    if plan.target == size && plan.part == Part::WHOLE {
        return Ok(image);
    }
    let mut image = image;
    let target = plan.target;
    let mut small = DynamicImage::new(target.width, target.height, image.color());
    let has_alpha = image.color().has_alpha();
    if has_alpha {
        // In place: the resizer's own way takes a second copy of the large picture.
        let multiplied = MulDiv::new().multiply_alpha_inplace(&mut image);
        multiplied.map_err(failed)?;
    }
    let filter = ResizeAlg::Convolution(FilterType::Lanczos3);
    let options = ResizeOptions::new()
        .resize_alg(filter)
        .use_alpha(false)
        .crop(
            plan.part.left * width,
            plan.part.top * height,
            plan.part.width * width,
            plan.part.height * height,
        );
    let resized = Resizer::new().resize(&image, &mut small, &options);
    resized.map_err(failed)?;
    if has_alpha {
        let divided = MulDiv::new().divide_alpha_inplace(&mut small);
        divided.map_err(failed)?;
    }
    Ok(small)
}

fn failed(error: impl std::fmt::Display) -> OperationError {
    OperationError::permanent(
        FailureCode::OperationCrashed,
        format!("the picture can't be resized: {error}"),
    )
}
