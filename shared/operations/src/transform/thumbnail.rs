//! A smaller picture.

use std::collections::BTreeMap;

use assetmill_core::{
    Asset, Availability, Cost, MediaType, Operation, OperationDescription, ParamKind, ParamSpec,
    ParamValue, Params, Product, RetryPolicy, Setback,
};
use async_trait::async_trait;

use super::decode::{Format, decode};
use super::encode::encode;
use super::resize::{Size, upright_within};
use super::{Settings, blocking};

const MAX_SIDE: u32 = 8192;
const DEFAULT_SIDE: u32 = 512;
const DEFAULT_QUALITY: u8 = 80;

/// Fits a picture into a box: it keeps its shape, is never enlarged, and stands upright as its EXIF
/// orientation says.
///
/// It takes JPEG, PNG and WebP, by content and whatever the source called it, and makes any of them,
/// with 8 bits a channel. Alpha is kept, except in JPEG, where the picture is laid over white. Metadata
/// is left out but for the ICC profile. Of an animation, the first frame is taken.
#[derive(Debug)]
pub struct Thumbnail {
    description: OperationDescription,
    fingerprint: String,
    retry: RetryPolicy,
    max_pixels: u64,
}

impl Thumbnail {
    /// The parameters that it understands: the most that the catalogue can offer.
    pub fn params() -> BTreeMap<String, ParamSpec> {
        let side = |summary: &str| ParamSpec {
            summary: summary.to_owned(),
            kind: ParamKind::Integer {
                min: 1,
                max: MAX_SIDE.into(),
            },
            default: Some(ParamValue::Integer(DEFAULT_SIDE.into())),
        };
        let formats = ["auto", "jpeg", "png", "webp"].map(str::to_owned);
        let format = ParamSpec {
            summary: "The format of the picture; auto keeps that of the asset".to_owned(),
            kind: ParamKind::Choice(formats.to_vec()),
            default: Some(ParamValue::Text("auto".to_owned())),
        };
        let quality = ParamSpec {
            summary: "The quality of JPEG and WebP; PNG has none".to_owned(),
            kind: ParamKind::Integer { min: 1, max: 100 },
            default: Some(ParamValue::Integer(DEFAULT_QUALITY.into())),
        };
        BTreeMap::from([
            ("width".to_owned(), side("The most pixels across")),
            ("height".to_owned(), side("The most pixels down")),
            ("format".to_owned(), format),
            ("quality".to_owned(), quality),
        ])
    }

    /// A thumbnail operation with these settings, whose parameters are those of
    /// [`Thumbnail::params`] or narrower ones.
    pub fn new(settings: Settings) -> Self {
        let pictures = || vec![MediaType::jpeg(), MediaType::png(), MediaType::webp()];
        Self {
            description: OperationDescription {
                name: settings.name,
                summary: settings.summary,
                params: settings.params,
                accepts: pictures(),
                produces: pictures(),
                availability: Availability::Available,
                cost: Cost::Free,
            },
            fingerprint: settings.fingerprint,
            retry: settings.retry,
            max_pixels: settings.max_pixels,
        }
    }
}

#[async_trait]
impl Operation for Thumbnail {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn retry(&self) -> RetryPolicy {
        self.retry
    }

    async fn run(&self, asset: Asset, params: &Params) -> Result<Product, Setback> {
        let found = Format::of(&asset.content)?;
        let wish = Wish::of(params);
        let max_pixels = self.max_pixels;
        blocking::run(move |stop| {
            let picture = decode(&asset.content, found, max_pixels)?;
            stop.check()?;
            let small = upright_within(picture.image, picture.orientation, wish.bounds)?;
            stop.check()?;
            encode(
                small,
                wish.format.unwrap_or(found),
                wish.quality,
                picture.profile,
            )
        })
        .await
    }
}

/// What a caller wants.
struct Wish {
    bounds: Size,
    /// `None` for that of the asset.
    format: Option<Format>,
    quality: u8,
}

impl Wish {
    /// What accepted parameters say; the defaults where they don't.
    fn of(params: &Params) -> Self {
        let side = |name| {
            let given = params.integer(name);
            let side = given.and_then(|given| u32::try_from(given).ok());
            side.unwrap_or(DEFAULT_SIDE).clamp(1, MAX_SIDE)
        };
        let quality = params.integer("quality");
        let quality = quality.and_then(|given| u8::try_from(given).ok());
        Self {
            bounds: Size {
                width: side("width"),
                height: side("height"),
            },
            format: match params.text("format") {
                Some("jpeg") => Some(Format::Jpeg),
                Some("png") => Some(Format::Png),
                Some("webp") => Some(Format::WebP),
                _ => None,
            },
            quality: quality.unwrap_or(DEFAULT_QUALITY).clamp(1, 100),
        }
    }
}
