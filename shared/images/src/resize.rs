//! From many pixels to few, or to more.

use assetmill_core::{FailureCode, OperationError};
use fast_image_resize::pixels::{F32x3, F32x4, U8, U8x2, U8x3, U8x4, U16, U16x2, U16x3, U16x4};
use fast_image_resize::{
    FilterType, IntoImageViewMut as _, MulDiv, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
};
use image::{ColorType, DynamicImage};

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
    match image.color() {
        ColorType::L8 => convolve::<U8>(&mut image, &mut small, &options),
        ColorType::La8 => convolve::<U8x2>(&mut image, &mut small, &options),
        ColorType::Rgb8 => convolve::<U8x3>(&mut image, &mut small, &options),
        ColorType::Rgba8 => convolve::<U8x4>(&mut image, &mut small, &options),
        ColorType::L16 => convolve::<U16>(&mut image, &mut small, &options),
        ColorType::La16 => convolve::<U16x2>(&mut image, &mut small, &options),
        ColorType::Rgb16 => convolve::<U16x3>(&mut image, &mut small, &options),
        ColorType::Rgba16 => convolve::<U16x4>(&mut image, &mut small, &options),
        ColorType::Rgb32F => convolve::<F32x3>(&mut image, &mut small, &options),
        ColorType::Rgba32F => convolve::<F32x4>(&mut image, &mut small, &options),
        other => Err(failed(format!("its pixels are {other:?}"))),
    }?;
    if has_alpha {
        let divided = MulDiv::new().divide_alpha_inplace(&mut small);
        divided.map_err(failed)?;
    }
    Ok(small)
}

/// Takes the source as what may be written too, though it isn't: the resizer's own buffers are such, and a view of
/// another kind has all of its code compiled a second time.
fn convolve<P: PixelTrait>(
    from: &mut DynamicImage,
    to: &mut DynamicImage,
    options: &ResizeOptions,
) -> Result<(), OperationError> {
    let (Some(from), Some(mut to)) = (from.image_view_mut::<P>(), to.image_view_mut::<P>()) else {
        return Err(failed("its pixels are of another kind"));
    };
    let resized = Resizer::new().resize_typed(&from, &mut to, options);
    resized.map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> OperationError {
    OperationError::permanent(
        FailureCode::OperationCrashed,
        format!("the picture can't be resized: {error}"),
    )
}
