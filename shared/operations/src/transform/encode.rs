//! From pixels to content.

use assetmill_core::{FailureCode, MediaType, Product, Setback};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ColorType, DynamicImage, GrayImage, ImageEncoder, Rgb, RgbImage};

use super::decode::Format;
use super::webp;

const WHITE: u8 = 255;

/// Encodes a picture with 8 bits a channel, and no metadata but its ICC profile. `quality`, from 1 to
/// 100, matters to JPEG and WebP. JPEG has no alpha channel: the picture is laid over white.
pub(super) fn encode(
    image: DynamicImage,
    format: Format,
    quality: u8,
    profile: Option<Vec<u8>>,
) -> Result<Product, Setback> {
    let image = with_eight_bits(image);
    let (content, media_type) = match format {
        Format::Jpeg => (jpeg(image, quality, profile)?, MediaType::jpeg()),
        Format::Png => (png(&image, profile)?, MediaType::png()),
        Format::WebP => (lossy_webp(&image, quality, profile)?, MediaType::webp()),
    };
    Ok(Product {
        content: content.into(),
        media_type,
    })
}

fn with_eight_bits(image: DynamicImage) -> DynamicImage {
    match image.color() {
        ColorType::L16 => image.into_luma8().into(),
        ColorType::La16 => image.into_luma_alpha8().into(),
        ColorType::Rgb16 => image.into_rgb8().into(),
        ColorType::Rgba16 => image.into_rgba8().into(),
        _ => image,
    }
}

fn jpeg(image: DynamicImage, quality: u8, profile: Option<Vec<u8>>) -> Result<Vec<u8>, Setback> {
    let image = over_white(image);
    let color = if image.color().has_color() {
        jpeg_encoder::ColorType::Rgb
    } else {
        jpeg_encoder::ColorType::Luma
    };
    let width = u16::try_from(image.width()).map_err(failed)?;
    let height = u16::try_from(image.height()).map_err(failed)?;
    let mut content = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut content, quality);
    encoder.set_optimized_huffman_tables(true);
    if let Some(profile) = profile {
        encoder.add_icc_profile(&profile).map_err(failed)?;
    }
    encoder
        .encode(image.as_bytes(), width, height, color)
        .map_err(failed)?;
    Ok(content)
}

fn png(image: &DynamicImage, profile: Option<Vec<u8>>) -> Result<Vec<u8>, Setback> {
    let mut content = Vec::new();
    let mut encoder =
        PngEncoder::new_with_quality(&mut content, CompressionType::Default, FilterType::Adaptive);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).map_err(failed)?;
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
    profile: Option<Vec<u8>>,
) -> Result<Vec<u8>, Setback> {
    let (width, height) = (image.width(), image.height());
    // WebP knows no grey: the profile of a grey picture would not fit its pixels.
    let profile = profile.filter(|_| image.color().has_color());
    let content = if image.color().has_alpha() {
        let pixels = image.to_rgba8();
        ::webp::Encoder::from_rgba(&pixels, width, height).encode_simple(false, quality.into())
    } else {
        let pixels = image.to_rgb8();
        ::webp::Encoder::from_rgb(&pixels, width, height).encode_simple(false, quality.into())
    };
    let content = content.map_err(|error| failed(format!("{error:?}")))?;
    match profile {
        None => Ok(content.to_vec()),
        Some(profile) => webp::with_profile(&content, (width, height), &profile)
            .ok_or_else(|| failed("libwebp wrote no RIFF container")),
    }
}

fn over_white(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLumaA8(image) => {
            GrayImage::from_fn(image.width(), image.height(), |x, y| {
                let [grey, alpha] = image.get_pixel(x, y).0;
                [blend(grey, alpha)].into()
            })
            .into()
        }
        DynamicImage::ImageRgba8(image) => {
            RgbImage::from_fn(image.width(), image.height(), |x, y| {
                let [red, green, blue, alpha] = image.get_pixel(x, y).0;
                Rgb([red, green, blue].map(|channel| blend(channel, alpha)))
            })
            .into()
        }
        opaque => opaque,
    }
}

/// A channel laid over white: `channel * alpha + white * (1 - alpha)`, rounded.
fn blend(channel: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    let sum = u32::from(channel) * alpha + u32::from(WHITE) * (255 - alpha);
    u8::try_from((sum + 127) / 255).unwrap_or(WHITE)
}

fn failed(error: impl std::fmt::Display) -> Setback {
    Setback::lasting(
        FailureCode::OperationCrashed,
        format!("the picture can't be encoded: {error}"),
    )
}
