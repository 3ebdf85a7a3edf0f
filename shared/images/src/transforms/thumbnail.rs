//! A picture that fits into a box, and is never enlarged.

use assetmill_core::Params;

use crate::geometry::{Fit, Geometry};
use crate::params::{Specs, encoding_specs, side, side_of};

const DEFAULT_SIDE: u32 = 512;

/// What it can be asked for.
pub(crate) fn params() -> Specs {
    let mut specs = encoding_specs(Some("auto"));
    specs.extend([
        side("width", "The most pixels across", Some(DEFAULT_SIDE)),
        side("height", "The most pixels down", Some(DEFAULT_SIDE)),
    ]);
    specs
}

/// The shape that the picture is to have.
pub(crate) fn geometry(params: &Params) -> Geometry {
    Geometry {
        width: side_of(params, "width").or(Some(DEFAULT_SIDE)),
        height: side_of(params, "height").or(Some(DEFAULT_SIDE)),
        fit: Fit::Inside,
        enlarge: false,
    }
}
