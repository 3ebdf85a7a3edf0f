//! What can be told of a picture.

use std::collections::HashMap;

use assetmill_core::{FailureCode, MediaType, OperationError, Product};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use exif::{In, Tag};
use image::RgbaImage;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::decode::{Picture, decode};
use crate::format::Format;
use crate::geometry::{Part, Plan, Size, turns};
use crate::resize::resize;

/// A `ThumbHash` is made of a picture of at most this many pixels a side:
/// <https://github.com/evanw/thumbhash>.
const HASHED_SIDE: u32 = 100;
/// How many colours are told.
const COLOURS: usize = 5;
/// Colours that differ in less than this are counted as one.
const COLOUR_STEP: u8 = 32;

/// What is told of the EXIF metadata: nothing that names a person, a place or one camera among its like.
const EXIF_TAGS: &[(&str, Tag)] = &[
    ("make", Tag::Make),
    ("model", Tag::Model),
    ("lens_model", Tag::LensModel),
    ("date_time_original", Tag::DateTimeOriginal),
    ("exposure_time", Tag::ExposureTime),
    ("f_number", Tag::FNumber),
    ("iso", Tag::PhotographicSensitivity),
    ("focal_length", Tag::FocalLength),
    ("flash", Tag::Flash),
    ("white_balance", Tag::WhiteBalance),
];

#[derive(Serialize)]
struct Report {
    media_type: MediaType,
    bytes: usize,
    /// Upright.
    width: u32,
    height: u32,
    /// As EXIF numbers them, from 1.
    orientation: u8,
    channels: u8,
    bits_per_channel: u16,
    has_alpha: bool,
    has_color_profile: bool,
    exif: Map<String, Value>,
    /// In base64.
    thumb_hash: String,
    dominant_colors: Vec<Colour>,
}

#[derive(Serialize)]
struct Colour {
    color: String,
    share: f64,
}

/// The report, as JSON.
pub(crate) fn inspect(content: &[u8], format: Format) -> Result<Product, OperationError> {
    let small_enough = |size: Size, _| hashed(size).shrink(size);
    let picture = decode(content, format, &small_enough)?;
    let report = report(content, format, picture)?;
    let content = serde_json::to_vec(&report).map_err(|error| {
        OperationError::permanent(
            FailureCode::OperationCrashed,
            format!("the report can't be written: {error}"),
        )
    })?;
    Ok(Product {
        content: content.into(),
        media_type: MediaType::json(),
    })
}

pub(crate) fn hashed(size: Size) -> Plan {
    let bounds = Size {
        width: HASHED_SIDE,
        height: HASHED_SIDE,
    };
    Plan {
        part: Part::WHOLE,
        target: size.fit(bounds),
    }
}

fn report(content: &[u8], format: Format, picture: Picture) -> Result<Report, OperationError> {
    let color = picture.image.color();
    let extent = picture.extent();
    let mut small = resize(picture.image, extent, hashed(picture.full_size))?;
    small.apply_orientation(picture.orientation);
    let small = small.into_rgba8();
    let upright = if turns(picture.orientation) {
        picture.full_size.turned()
    } else {
        picture.full_size
    };
    let hash = thumbhash::rgba_to_thumb_hash(
        small.width() as usize,
        small.height() as usize,
        small.as_raw(),
    );
    Ok(Report {
        media_type: format.media_type(),
        bytes: content.len(),
        width: upright.width,
        height: upright.height,
        orientation: picture.orientation.to_exif(),
        channels: color.channel_count(),
        bits_per_channel: color.bits_per_pixel() / u16::from(color.channel_count()),
        has_alpha: color.has_alpha(),
        has_color_profile: picture.profile.is_some(),
        exif: picture.exif.map(told).unwrap_or_default(),
        thumb_hash: STANDARD.encode(hash),
        dominant_colors: dominant(&small),
    })
}

/// EXIF metadata that can't be read is as good as none.
fn told(exif: Vec<u8>) -> Map<String, Value> {
    let Ok(exif) = exif::Reader::new().read_raw(exif) else {
        return Map::new();
    };
    EXIF_TAGS
        .iter()
        .filter_map(|(name, tag)| {
            let field = exif.get_field(*tag, In::PRIMARY)?;
            let text = match &field.value {
                exif::Value::Ascii(texts) => {
                    let text = texts.first()?;
                    String::from_utf8_lossy(text).trim().to_owned()
                }
                _ => field.display_value().with_unit(&exif).to_string(),
            };
            Some(((*name).to_owned(), Value::from(text)))
        })
        .collect()
}

/// The commonest colours among the opaque pixels, each the mean of its like.
fn dominant(picture: &RgbaImage) -> Vec<Colour> {
    let mut like: HashMap<[u8; 3], (u32, [u32; 3])> = HashMap::new();
    let mut opaque = 0_u32;
    for pixel in picture.pixels().filter(|pixel| pixel.0[3] >= 128) {
        let [red, green, blue, _] = pixel.0;
        let key = [red, green, blue].map(|channel| channel / COLOUR_STEP);
        let (count, sums) = like.entry(key).or_default();
        *count += 1;
        opaque += 1;
        for (sum, channel) in sums.iter_mut().zip([red, green, blue]) {
            *sum += u32::from(channel);
        }
    }
    let mut like: Vec<_> = like.into_iter().collect();
    like.sort_by_key(|(key, (count, _))| (std::cmp::Reverse(*count), *key));
    like.into_iter()
        .take(COLOURS)
        .map(|(_, (count, sums))| {
            let [red, green, blue] = sums.map(|sum| sum / count);
            Colour {
                color: format!("#{red:02x}{green:02x}{blue:02x}"),
                share: (f64::from(count) / f64::from(opaque) * 1000.0).round() / 1000.0,
            }
        })
        .collect()
}
