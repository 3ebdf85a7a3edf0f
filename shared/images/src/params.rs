//! The parameters of the transforms, and what they ask for.

use std::collections::BTreeMap;

use assetmill_core::{ParamKind, ParamSpec, ParamValue, Params};

use super::builtin::Transform;
use super::colour::ProfilePolicy;
use super::encode::{Encoding, Output};
use super::geometry::{Fit, Geometry, Gravity};
use super::watermark::Placing;

const MAX_SIDE: u32 = 8192;
const DEFAULT_SIDE: u32 = 512;
const DEFAULT_QUALITY: u8 = 80;
const LARGEST_BUDGET: i64 = 100_000_000;
const WHITE: [u8; 3] = [255; 3];

type Specs = BTreeMap<String, ParamSpec>;

pub(super) fn thumbnail() -> Specs {
    let mut specs = encoding_specs(Some("auto"));
    specs.extend([
        side("width", "The most pixels across", Some(DEFAULT_SIDE)),
        side("height", "The most pixels down", Some(DEFAULT_SIDE)),
    ]);
    specs
}

pub(super) fn resize() -> Specs {
    let mut specs = encoding_specs(Some("auto"));
    specs.extend([
        side("width", "The pixels across; without it, as the height and the shape have it", None),
        side("height", "The pixels down; without it, as the width and the shape have it", None),
        choice(
            "fit",
            "fit keeps the whole picture within the box; fill stretches it to the box; crop fills the \
             box and cuts off what is over",
            &["fit", "fill", "crop"],
            "fit",
        ),
        choice("gravity", "The part that crop keeps", Gravity::NAMES, "center"),
        flag("enlarge", "Whether a small picture may be enlarged", false),
    ]);
    specs
}

pub(super) fn convert() -> Specs {
    encoding_specs(None)
}

pub(super) fn optimize() -> Specs {
    BTreeMap::from([quality_spec()])
}

pub(super) fn watermark() -> Specs {
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

/// With a default format, or with one that has to be said.
fn encoding_specs(default_format: Option<&str>) -> Specs {
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

fn quality_spec() -> (String, ParamSpec) {
    spec(
        "quality",
        "The quality of JPEG, WebP and AVIF; PNG has none",
        ParamKind::Integer { min: 1, max: 100 },
        Some(ParamValue::Integer(DEFAULT_QUALITY.into())),
    )
}

fn side(name: &str, summary: &str, default: Option<u32>) -> (String, ParamSpec) {
    let kind = ParamKind::Integer {
        min: 1,
        max: MAX_SIDE.into(),
    };
    let default = default.map(|side| ParamValue::Integer(side.into()));
    spec(name, summary, kind, default)
}

fn share(name: &str, summary: &str, min: f64, default: f64) -> (String, ParamSpec) {
    let kind = ParamKind::Number { min, max: 1.0 };
    spec(name, summary, kind, Some(ParamValue::Number(default)))
}

fn flag(name: &str, summary: &str, default: bool) -> (String, ParamSpec) {
    let default = Some(ParamValue::Boolean(default));
    spec(name, summary, ParamKind::Boolean, default)
}

fn choice(name: &str, summary: &str, all: &[&str], default: &str) -> (String, ParamSpec) {
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

/// The shape that the picture is to have.
pub(super) fn geometry(params: &Params, transform: Transform) -> Geometry {
    let side = |name| {
        let given = params.integer(name);
        let side = given.and_then(|given| u32::try_from(given).ok());
        side.map(|side| side.clamp(1, MAX_SIDE))
    };
    let (width, height) = match transform {
        Transform::Thumbnail => (
            side("width").or(Some(DEFAULT_SIDE)),
            side("height").or(Some(DEFAULT_SIDE)),
        ),
        _ => (side("width"), side("height")),
    };
    Geometry {
        width,
        height,
        fit: match params.text("fit") {
            Some("fill") => Fit::Stretch,
            Some("crop") => Fit::Crop(gravity(params)),
            _ => Fit::Inside,
        },
        enlarge: params.get("enlarge") == Some(&ParamValue::Boolean(true)),
    }
}

/// Where the overlay is to be.
pub(super) fn placing(params: &Params) -> Placing {
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

fn gravity(params: &Params) -> Gravity {
    let named = params.text("gravity").and_then(Gravity::named);
    named.unwrap_or(Gravity::CENTER)
}

fn color(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#')?;
    let channel = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?])
}
