//! From pixels to content.

pub(super) mod budget;
mod jpeg;

use assetmill_core::{FailureCode, OperationError, Product};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ColorType, DynamicImage, GrayImage, ImageEncoder, Rgb, RgbImage};
use ravif::{BitDepth, Img, RGBA8};
use rgb::FromSlice as _;

use super::encoding::Encoding;
use super::format::Output;
use super::webp;
use ::webp::WebPEncodingError;
pub(super) use jpeg::encode_small as encode_small_jpeg;

/// How hard AVIF is tried, from 1 to 10, the quickest: at 9 it takes a fraction of the time of libaom's
/// defaults, and at the same similarity some more bytes (`just bench-images`).
const AVIF_SPEED: u8 = 9;

/// Encodes a picture with 8 bits a channel, and no metadata but its ICC profile.
///
/// # Errors
/// [`FailureCode::BudgetNotMet`] when it can't be written in as few bytes as it may have.
pub(super) fn encode(
    image: DynamicImage,
    profile: Option<&[u8]>,
    output: Output,
    encoding: &Encoding,
) -> Result<Product, OperationError> {
    let mut image = with_eight_bits(image);
    if output == Output::Jpeg {
        image = over(image, encoding.background);
    }
    let write = |quality| written(&image, output, quality, profile);
    let content = match encoding.max_bytes {
        None => write(encoding.quality)?,
        Some(most) if output == Output::Png => budget::only(write(encoding.quality)?, most)?,
        Some(most) => budget::best(write, encoding.quality, most)?,
    };
    Ok(Product {
        content: content.into(),
        media_type: output.media_type(),
    })
}

fn written(
    image: &DynamicImage,
    output: Output,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, OperationError> {
    match output {
        Output::Jpeg => jpeg::encode(image, quality, profile),
        Output::Png => png(image, profile),
        Output::WebP => lossy_webp(image, quality, profile),
        Output::Avif => avif(image, quality),
    }
}

/// The picture with 8 bits a channel.
pub(super) fn with_eight_bits(image: DynamicImage) -> DynamicImage {
    match image.color() {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => image,
        ColorType::L16 => image.into_luma8().into(),
        ColorType::La16 => image.into_luma_alpha8().into(),
        color if color.has_alpha() => image.into_rgba8().into(),
        _ => image.into_rgb8().into(),
    }
}

fn png(image: &DynamicImage, profile: Option<&[u8]>) -> Result<Vec<u8>, OperationError> {
    let mut content = Vec::new();
    let mut encoder =
        PngEncoder::new_with_quality(&mut content, CompressionType::Default, FilterType::Adaptive);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile.to_vec()).map_err(failed)?;
    }
    let (width, height) = (image.width(), image.height());
    encoder
        .write_image(image.as_bytes(), width, height, image.color().into())
        .map_err(failed)?;
    Ok(content)
}

fn lossy_webp(
    image: &DynamicImage,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, OperationError> {
    let (width, height) = (image.width(), image.height());
    let content = match image {
        DynamicImage::ImageRgb8(image) => {
            ::webp::Encoder::from_rgb(image, width, height).encode_simple(false, quality.into())
        }
        DynamicImage::ImageRgba8(image) => {
            ::webp::Encoder::from_rgba(image, width, height).encode_simple(false, quality.into())
        }
        image if image.color().has_alpha() => {
            let pixels = image.to_rgba8();
            ::webp::Encoder::from_rgba(&pixels, width, height).encode_simple(false, quality.into())
        }
        image => {
            let pixels = image.to_rgb8();
            ::webp::Encoder::from_rgb(&pixels, width, height).encode_simple(false, quality.into())
        }
    };
    let content = content.map_err(|error| match error {
        WebPEncodingError::VP8_ENC_ERROR_OUT_OF_MEMORY
        | WebPEncodingError::VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY => OperationError::permanent(
            FailureCode::OperationTooExpensive,
            "the result needs more memory than was set aside for it; ask for fewer pixels",
        ),
        error => failed(format!("{error:?}")),
    })?;
    match profile {
        None => Ok(content.to_vec()),
        Some(profile) => webp::with_profile(&content, (width, height), profile)
            .ok_or_else(|| failed("libwebp wrote no RIFF container")),
    }
}

fn avif(image: &DynamicImage, quality: u8) -> Result<Vec<u8>, OperationError> {
    let encoder = ravif::Encoder::new()
        .with_quality(quality.into())
        .with_alpha_quality(quality.into())
        .with_speed(AVIF_SPEED)
        // Cores are shared out among assets, one each.
        .with_num_threads(Some(1))
        .with_bit_depth(BitDepth::Eight);
    let (width, height) = (image.width() as usize, image.height() as usize);
    // An opaque picture comes out as from `encode_rgb`, which is inline: all of rav1e would be compiled once more
    // for it.
    let pixels = image.to_rgba8();
    let pixels: &[RGBA8] = pixels.as_raw().as_rgba();
    let written = encoder.encode_rgba(Img::new(pixels, width, height));
    Ok(written.map_err(failed)?.avif_file)
}

fn over(image: DynamicImage, background: [u8; 3]) -> DynamicImage {
    let colourless = background[0] == background[1] && background[1] == background[2];
    match image {
        DynamicImage::ImageLumaA8(image) if colourless => {
            GrayImage::from_fn(image.width(), image.height(), |x, y| {
                let [grey, alpha] = image.get_pixel(x, y).0;
                [blend(grey, background[0], alpha)].into()
            })
            .into()
        }
        image if image.color().has_alpha() => {
            let image = image.into_rgba8();
            RgbImage::from_fn(image.width(), image.height(), |x, y| {
                let [red, green, blue, alpha] = image.get_pixel(x, y).0;
                let [r, g, b] = background;
                Rgb([
                    blend(red, r, alpha),
                    blend(green, g, alpha),
                    blend(blue, b, alpha),
                ])
            })
            .into()
        }
        opaque => opaque,
    }
}

/// A channel laid over that of a background: `channel * alpha + background * (1 - alpha)`, rounded.
pub(super) fn blend(channel: u8, background: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    let sum = u32::from(channel) * alpha + u32::from(background) * (255 - alpha);
    u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
}

fn failed(error: impl std::fmt::Display) -> OperationError {
    OperationError::permanent(
        FailureCode::OperationCrashed,
        format!("the picture can't be encoded: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::blend;

    #[test]
    fn blending_is_exact_at_its_ends_and_rounds_between() {
        for channel in 0..=255 {
            assert_eq!(blend(channel, 7, 255), channel);
            assert_eq!(blend(channel, 7, 0), 7);
        }
        assert_eq!(blend(0, 255, 128), 127);
    }
}
