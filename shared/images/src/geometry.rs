//! Sizes and shapes: which part of a picture becomes how large.

use image::metadata::Orientation;
use serde::{Deserialize, Serialize};

/// Width and height in pixels, each at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The shape that a caller wants.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Geometry {
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) fit: Fit,
    pub(super) enlarge: bool,
}

/// How a picture of another shape comes into a box.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Fit {
    /// Whole, with its shape.
    Inside,
    /// Whole, with the shape of the box.
    Stretch,
    /// Cut to the shape of the box; this part is kept.
    Crop(Gravity),
}

/// A place in a rectangle, as shares of what is left over on the left and at the top.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Gravity {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A part of a picture, in shares of its sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Which part of a picture becomes how large.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    pub(super) part: Part,
    pub(super) target: Size,
}

impl Gravity {
    pub(super) const CENTER: Self = Self { x: 0.5, y: 0.5 };

    pub(super) const NAMES: &[&str] = &[
        "center",
        "north",
        "northeast",
        "east",
        "southeast",
        "south",
        "southwest",
        "west",
        "northwest",
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        if !Self::NAMES.contains(&name) {
            return None;
        }
        let along = |low: &str, high: &str| match (name.contains(low), name.contains(high)) {
            (true, false) => 0.0,
            (false, true) => 1.0,
            _ => 0.5,
        };
        Some(Self {
            x: along("west", "east"),
            y: along("north", "south"),
        })
    }
}

impl Size {
    /// The largest size of the same shape that fits into a box, and is not larger than itself.
    pub(super) fn fit(self, bounds: Self) -> Self {
        if self.width <= bounds.width && self.height <= bounds.height {
            return self;
        }
        self.scaled_into(bounds)
    }

    /// The largest size of the same shape that fits into a box.
    pub(super) fn scaled_into(self, bounds: Self) -> Self {
        let wider = u64::from(self.width) * u64::from(bounds.height)
            >= u64::from(self.height) * u64::from(bounds.width);
        if wider {
            Self {
                width: bounds.width,
                height: share(self.height, bounds.width, self.width),
            }
        } else {
            Self {
                width: share(self.width, bounds.height, self.height),
                height: bounds.height,
            }
        }
    }

    pub(super) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    pub(super) fn turned(self) -> Self {
        Self {
            width: self.height,
            height: self.width,
        }
    }
}

/// `length * part / whole`, rounded, at least 1.
fn share(length: u32, part: u32, whole: u32) -> u32 {
    let whole = u64::from(whole);
    let rounded = (u64::from(length) * u64::from(part) + whole / 2) / whole;
    u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
}

impl Part {
    pub(super) const WHOLE: Self = Self {
        left: 0.0,
        top: 0.0,
        width: 1.0,
        height: 1.0,
    };
}

impl Geometry {
    /// The plan for an upright picture of this size.
    pub(super) fn plan(self, size: Size) -> Plan {
        let whole = |target| Plan {
            part: Part::WHOLE,
            target,
        };
        let bounds = match (self.width, self.height) {
            (None, None) => return whole(size),
            (Some(width), Some(height)) => Size { width, height },
            (Some(width), None) => Size {
                width,
                height: share(size.height, width, size.width),
            },
            (None, Some(height)) => Size {
                width: share(size.width, height, size.height),
                height,
            },
        };
        match self.fit {
            Fit::Inside if self.enlarge => whole(size.scaled_into(bounds)),
            Fit::Inside => whole(size.fit(bounds)),
            Fit::Stretch if self.enlarge => whole(bounds),
            Fit::Stretch => whole(Size {
                width: bounds.width.min(size.width),
                height: bounds.height.min(size.height),
            }),
            Fit::Crop(gravity) => {
                let target = if self.enlarge {
                    bounds
                } else {
                    bounds.fit(size)
                };
                Plan {
                    part: cropped(size, bounds, gravity),
                    target,
                }
            }
        }
    }
}

/// The largest part of a picture that has the shape of a box.
fn cropped(size: Size, bounds: Size, gravity: Gravity) -> Part {
    let shape = |size: Size| f64::from(size.width) / f64::from(size.height);
    let ratio = shape(bounds) / shape(size);
    let (width, height) = (ratio.min(1.0), ratio.recip().min(1.0));
    Part {
        left: (1.0 - width) * gravity.x,
        top: (1.0 - height) * gravity.y,
        width,
        height,
    }
}

impl Plan {
    /// The same for the picture as it is stored, before its orientation is applied (Exif 2.32, 4.6.4).
    pub(super) fn before(self, orientation: Orientation) -> Self {
        let Part {
            left,
            top,
            width,
            height,
        } = self.part;
        let (right, bottom) = (1.0 - left - width, 1.0 - top - height);
        let (left, top) = match orientation {
            Orientation::NoTransforms => (left, top),
            Orientation::FlipHorizontal => (right, top),
            Orientation::Rotate180 => (right, bottom),
            Orientation::FlipVertical => (left, bottom),
            Orientation::Rotate90FlipH => (top, left),
            Orientation::Rotate90 => (top, right),
            Orientation::Rotate270FlipH => (bottom, right),
            Orientation::Rotate270 => (bottom, left),
        };
        let turned = turns(orientation);
        let (width, height) = if turned {
            (height, width)
        } else {
            (width, height)
        };
        Self {
            part: Part {
                left,
                top,
                width,
                height,
            },
            target: if turned {
                self.target.turned()
            } else {
                self.target
            },
        }
    }

    /// The largest power of two, up to 8, that a stored picture of this size can be divided by while all
    /// of the target's pixels still have their own.
    pub(super) fn shrink(self, size: Size) -> u32 {
        let enough = |side: u32, share: f64, target: u32, by: u32| {
            f64::from(side.div_ceil(by)) * share >= f64::from(target)
        };
        [8, 4, 2]
            .into_iter()
            .find(|by| {
                enough(size.width, self.part.width, self.target.width, *by)
                    && enough(size.height, self.part.height, self.target.height, *by)
            })
            .unwrap_or(1)
    }
}

/// Whether width and height change places.
pub(super) fn turns(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn a_picture_that_fits_stays_as_it_is() {
        assert_eq!(size(3, 4).fit(size(3, 4)), size(3, 4));
        assert_eq!(size(1, 1).fit(size(8192, 8192)), size(1, 1));
    }

    #[test]
    fn no_side_gets_lost() {
        assert_eq!(size(20_000, 1).fit(size(100, 100)), size(100, 1));
        assert_eq!(size(1, 20_000).fit(size(100, 100)), size(1, 100));
    }

    #[test]
    fn a_crop_keeps_the_part_that_is_asked_for() {
        let crop = |name, enlarge| Geometry {
            width: Some(100),
            height: Some(100),
            fit: Fit::Crop(Gravity::named(name).unwrap()),
            enlarge,
        };
        let west = crop("west", false).plan(size(400, 200));
        assert_eq!(west.target, size(100, 100));
        assert!((west.part.left, west.part.width) == (0.0, 0.5), "{west:?}");
        let southeast = crop("southeast", false).plan(size(400, 200));
        assert!((southeast.part.left, southeast.part.top) == (0.5, 0.0));
        assert_eq!(
            crop("center", false).plan(size(50, 40)).target,
            size(40, 40)
        );
        assert_eq!(
            crop("center", true).plan(size(50, 40)).target,
            size(100, 100)
        );
    }

    #[test]
    fn a_side_that_is_not_said_follows_the_shape() {
        let wide = Geometry {
            width: Some(200),
            height: None,
            fit: Fit::Stretch,
            enlarge: false,
        };
        assert_eq!(wide.plan(size(400, 300)).target, size(200, 150));
        assert_eq!(wide.plan(size(100, 75)).target, size(100, 75));
    }

    #[test]
    fn no_pixel_of_the_target_is_without_its_own() {
        let whole = |width, height| Plan {
            part: Part::WHOLE,
            target: size(width, height),
        };
        assert_eq!(whole(800, 600).shrink(size(4000, 3000)), 4);
        assert_eq!(whole(1000, 750).shrink(size(4000, 3000)), 4);
        assert_eq!(whole(1001, 750).shrink(size(4000, 3000)), 2);
        assert_eq!(whole(1, 1).shrink(size(4000, 3000)), 8);
        assert_eq!(whole(3999, 3000).shrink(size(4000, 3000)), 1);
    }

    proptest! {
        #[test]
        fn fitting_keeps_within_the_box_and_near_the_shape(
            width in 1_u32..=20_000,
            height in 1_u32..=20_000,
            box_width in 1_u32..=8192,
            box_height in 1_u32..=8192,
        ) {
            let fitted = size(width, height).fit(size(box_width, box_height));
            prop_assert!((1..=box_width.min(width)).contains(&fitted.width));
            prop_assert!((1..=box_height.min(height)).contains(&fitted.height));
            let scale = (f64::from(box_width) / f64::from(width))
                .min(f64::from(box_height) / f64::from(height))
                .min(1.0);
            prop_assert!((f64::from(width) * scale - f64::from(fitted.width)).abs() <= 1.0);
            prop_assert!((f64::from(height) * scale - f64::from(fitted.height)).abs() <= 1.0);
        }
    }
}
