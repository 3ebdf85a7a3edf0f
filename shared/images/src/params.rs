//! The parameters that transforms have in common, and what they ask for.

use std::collections::BTreeMap;

use assetmill_core::{ParamKind, ParamSpec, ParamValue, Params};

use super::encoding::{Encoding, ProfilePolicy};
use super::format::Output;
use super::geometry::Gravity;

const MAX_SIDE: u32 = 8192;
const DEFAULT_QUALITY: u8 = 80;
const LARGEST_BUDGET: i64 = 100_000_000;
const WHITE: [u8; 3] = [255; 3];

/// Parameters by name.
pub(super) type Specs = BTreeMap<String, ParamSpec>;

/// With a default format, or with one that has to be said.
pub(super) fn encoding_specs(default_format: Option<&str>) -> Specs {
    let mut formats: Vec<_> = Output::ALL.iter().map(|output| output.name()).collect();
    if default_format.is_some() {
        formats.insert(0, "auto");
    }
    let format = default_format.unwrap_or("webp");
    BTreeMap::from([
        choice(
            "format",
            "The format of the picture; auto keeps that of the asset where it is one of these, and makes a \
             PNG of others",
            &formats,
            format,
        ),
        quality_spec(),
        spec(
            "max_bytes",
            "The most bytes of the result: the highest quality, up to the one asked for, that keeps \
             within it is taken",
            ParamKind::Integer {
                min: 256,
                max: LARGEST_BUDGET,
            },
            None,
        ),
        spec(
            "background",
            "The colour behind what is transparent, in formats without transparency",
            ParamKind::Color,
            Some(ParamValue::Text("#ffffff".to_owned())),
        ),
        choice(
            "profile",
            "keep keeps the colour profile; srgb converts the colours to sRGB and needs none",
            &["keep", "srgb"],
            "keep",
        ),
    ])
}

pub(super) fn quality_spec() -> (String, ParamSpec) {
    spec(
        "quality",
        "The quality of JPEG, WebP and AVIF; PNG has none",
        ParamKind::Integer { min: 1, max: 100 },
        Some(ParamValue::Integer(DEFAULT_QUALITY.into())),
    )
}

pub(super) fn side(name: &str, summary: &str, default: Option<u32>) -> (String, ParamSpec) {
    let kind = ParamKind::Integer {
        min: 1,
        max: MAX_SIDE.into(),
    };
    let default = default.map(|side| ParamValue::Integer(side.into()));
    spec(name, summary, kind, default)
}

pub(super) fn share(name: &str, summary: &str, min: f64, default: f64) -> (String, ParamSpec) {
    let kind = ParamKind::Number { min, max: 1.0 };
    spec(name, summary, kind, Some(ParamValue::Number(default)))
}

pub(super) fn flag(name: &str, summary: &str, default: bool) -> (String, ParamSpec) {
    let default = Some(ParamValue::Boolean(default));
    spec(name, summary, ParamKind::Boolean, default)
}

pub(super) fn choice(
    name: &str,
    summary: &str,
    all: &[&str],
    default: &str,
) -> (String, ParamSpec) {
    let all = all.iter().map(ToString::to_string).collect();
    let default = Some(ParamValue::Text(default.to_owned()));
    spec(name, summary, ParamKind::Choice(all), default)
}

fn spec(
    name: &str,
    summary: &str,
    kind: ParamKind,
    default: Option<ParamValue>,
) -> (String, ParamSpec) {
    let spec = ParamSpec {
        summary: summary.to_owned(),
        kind,
        default,
    };
    (name.to_owned(), spec)
}

/// The quality that accepted parameters ask for.
pub(super) fn quality(params: &Params) -> u8 {
    let quality = params.integer("quality");
    let quality = quality.and_then(|given| u8::try_from(given).ok());
    quality.unwrap_or(DEFAULT_QUALITY).clamp(1, 100)
}

/// How the picture is to be written.
pub(super) fn encoding(params: &Params) -> Encoding {
    let output = params.text("format").and_then(|name| {
        let all = Output::ALL.iter().copied();
        all.into_iter().find(|output| output.name() == name)
    });
    Encoding {
        output,
        quality: quality(params),
        background: params.text("background").and_then(color).unwrap_or(WHITE),
        max_bytes: params
            .integer("max_bytes")
            .and_then(|bytes| usize::try_from(bytes).ok()),
        profile: match params.text("profile") {
            Some("srgb") => ProfilePolicy::Srgb,
            _ => ProfilePolicy::Keep,
        },
    }
}

/// A side in pixels, within what can be asked for.
pub(super) fn side_of(params: &Params, name: &str) -> Option<u32> {
    let given = params.integer(name);
    let side = given.and_then(|given| u32::try_from(given).ok());
    side.map(|side| side.clamp(1, MAX_SIDE))
}

/// The place that is asked for; the centre where none is.
pub(super) fn gravity(params: &Params) -> Gravity {
    let named = params.text("gravity").and_then(Gravity::named);
    named.unwrap_or(Gravity::CENTER)
}

fn color(text: &str) -> Option<[u8; 3]> {
    let mut channels = [0; 3];
    hex::decode_to_slice(text.strip_prefix('#')?, &mut channels).ok()?;
    Some(channels)
}
