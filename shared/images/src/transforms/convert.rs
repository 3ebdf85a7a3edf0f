//! A picture in another format.

use crate::geometry::{Fit, Geometry};
use crate::params::{Specs, encoding_specs};

/// What it can be asked for.
pub(crate) fn params() -> Specs {
    encoding_specs(None)
}

/// The shape that it has.
pub(crate) const GEOMETRY: Geometry = Geometry {
    width: None,
    height: None,
    fit: Fit::Inside,
    enlarge: false,
};
