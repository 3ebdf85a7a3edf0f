//! A picture brought to a size: fitted, stretched or cropped.

use assetmill_core::{ParamValue, Params};

use crate::geometry::{Fit, Geometry, Gravity};
use crate::params::{Specs, choice, encoding_specs, flag, gravity, side, side_of};

/// What it can be asked for.
pub(crate) fn params() -> Specs {
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

/// The shape that the picture is to have.
pub(crate) fn geometry(params: &Params) -> Geometry {
    Geometry {
        width: side_of(params, "width"),
        height: side_of(params, "height"),
        fit: match params.text("fit") {
            Some("fill") => Fit::Stretch,
            Some("crop") => Fit::Crop(gravity(params)),
            _ => Fit::Inside,
        },
        enlarge: params.get("enlarge") == Some(&ParamValue::Boolean(true)),
    }
}
