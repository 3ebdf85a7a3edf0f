//! What is done with a picture, told so that a codec process knows all it needs.

use assetmill_core::{Failure, OperationError, Product};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::encoding::Encoding;
use crate::format::Format;
use crate::geometry::Geometry;
use crate::transforms::watermark::{self, Placing};
use crate::transforms::{cut_out, inspect, optimize};
use crate::{picture, upright};

/// One picture's work. The asset, and the second picture where there is one, come beside it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) work: Work,
    /// What the asset is.
    pub(crate) format: Format,
}

/// What is done with it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Tells about it.
    Inspect,
    /// Writes it anew in fewer bytes.
    Optimize {
        /// From 1 to 100.
        quality: u8,
    },
    /// Brings it to a shape, and writes it.
    Shape {
        geometry: Geometry,
        encoding: Encoding,
    },
    /// Lays a second picture over it.
    Watermark {
        placing: Placing,
        encoding: Encoding,
    },
    /// Cuts out what is bright in a second picture.
    CutOut {
        /// What the second picture is.
        mask: Format,
    },
}

/// The overlay that was laid last, decoded: the next picture is likely to get the same.
#[derive(Default)]
pub(crate) struct Overlays(Option<(Bytes, image::RgbaImage)>);

impl Overlays {
    fn decoded(&mut self, content: &[u8]) -> Result<&image::RgbaImage, OperationError> {
        let last = self.0.take().filter(|(last, _)| last == content);
        let overlay = match last {
            Some(overlay) => overlay,
            None => (
                Bytes::copy_from_slice(content),
                watermark::decoded(content)?,
            ),
        };
        Ok(&self.0.insert(overlay).1)
    }
}

impl Job {
    /// Does it, here and now. What it may take was settled before.
    pub(crate) fn run(
        &self,
        asset: &[u8],
        second: &[u8],
        overlays: &mut Overlays,
    ) -> Result<Product, Failure> {
        self.product(asset, second, overlays)
            .map_err(|error| error.failure().clone())
    }

    fn product(
        &self,
        asset: &[u8],
        second: &[u8],
        overlays: &mut Overlays,
    ) -> Result<Product, OperationError> {
        let format = self.format;
        match &self.work {
            Work::Inspect => inspect::inspect(asset, format),
            Work::Optimize { quality } => optimize::optimize(asset, format, *quality),
            Work::Shape { geometry, encoding } => {
                let made = picture::shaped(asset, format, *geometry)?;
                picture::finish(made, format, encoding)
            }
            Work::Watermark { placing, encoding } => {
                let overlay = overlays.decoded(second)?;
                let base = upright::upright(asset, format)?;
                let marked = watermark::lay(base, overlay, *placing)?;
                picture::finish(marked, format, encoding)
            }
            Work::CutOut { mask } => cut_out::cut_out(asset, format, second, *mask),
        }
    }
}
