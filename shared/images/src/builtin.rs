//! Operations that the worker does itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use assetmill_core::pacing::Limits;
use assetmill_core::{
    Asset, Availability, Cost, MediaType, Operation, OperationDescription, OperationError,
    OperationName, ParamSpec, Params, ParamsSchema, Product, RetryPolicy, TenantId,
};
use async_trait::async_trait;

use super::bounds::DEFAULT_MAX_PIXELS;
use super::codecs::Codecs;
use super::format::Format;
use super::format::Output;
use super::params;
use super::transforms::watermark::Overlay;
use super::transforms::{convert, optimize, resize, thumbnail, watermark};
use super::work::{Job, Work};

/// What a built-in operation does. All of them take pictures by content and whatever the source called
/// them, stand them upright by their EXIF orientation, take the first frame of an animation, and leave
/// metadata out but for the ICC profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// Fits a picture into a box, and never enlarges it.
    Thumbnail,
    /// Brings a picture to a size: fitted, stretched or cropped.
    Resize,
    /// Writes a picture in another format.
    Convert,
    /// Makes a picture's file smaller, in the same format and size.
    Optimize,
    /// Lays the operator's overlay over a picture.
    Watermark,
    /// Tells about a picture, in JSON.
    Inspect,
}

/// An operation that the worker does itself: no key, no bill.
#[derive(Debug)]
pub struct Builtin {
    transform: Transform,
    description: OperationDescription,
    fingerprint: String,
    retry: RetryPolicy,
    limits: Limits,
    max_pixels: u64,
    overlay: Option<Arc<Overlay>>,
    codecs: Codecs,
}

/// What the catalogue says of a built-in transform.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in the catalogue.
    pub name: OperationName,
    /// What it does, in a sentence.
    pub summary: String,
    /// The parameters that it takes, with the defaults of the catalogue.
    pub params: ParamsSchema,
    /// Tells this definition apart from others.
    pub fingerprint: String,
    /// How often it is tried.
    pub retry: RetryPolicy,
    /// What it may be asked for.
    pub limits: Limits,
    /// The most pixels of an asset, width times height, that are decoded.
    pub max_pixels: u64,
    /// What [`Transform::Watermark`] lays over pictures; without one it has nothing to do.
    pub overlay: Option<Arc<Overlay>>,
    /// What it works with.
    pub codecs: Codecs,
}

impl Settings {
    /// A transform of which nothing else is said: all its parameters with their own defaults, the usual retries
    /// and bound on pixels, and no overlay.
    pub fn new(name: OperationName, transform: Transform, codecs: Codecs) -> Self {
        Self {
            fingerprint: name.to_string(),
            name,
            summary: String::new(),
            params: ParamsSchema(transform.params()),
            retry: RetryPolicy::default(),
            limits: Limits::default(),
            max_pixels: DEFAULT_MAX_PIXELS,
            overlay: None,
            codecs,
        }
    }
}

impl Transform {
    /// Every transform, by the name that catalogues call it.
    pub const ALL: &[(&'static str, Self)] = &[
        ("thumbnail", Self::Thumbnail),
        ("resize", Self::Resize),
        ("convert", Self::Convert),
        ("optimize", Self::Optimize),
        ("watermark", Self::Watermark),
        ("inspect", Self::Inspect),
    ];

    /// The parameters that it understands: the most that the catalogue can offer.
    pub fn params(self) -> BTreeMap<String, ParamSpec> {
        match self {
            Self::Thumbnail => thumbnail::params(),
            Self::Resize => resize::params(),
            Self::Convert => convert::params(),
            Self::Optimize => optimize::params(),
            Self::Watermark => watermark::params(),
            Self::Inspect => BTreeMap::new(),
        }
    }

    fn accepts(self) -> Vec<MediaType> {
        let formats = match self {
            Self::Optimize => optimize::FORMATS,
            _ => Format::ALL,
        };
        formats.iter().map(|format| format.media_type()).collect()
    }

    fn produces(self) -> Vec<MediaType> {
        match self {
            Self::Inspect => vec![MediaType::json()],
            Self::Optimize => self.accepts(),
            _ => Output::ALL
                .iter()
                .map(|output| output.media_type())
                .collect(),
        }
    }
}

impl Builtin {
    /// An operation with these settings, whose parameters are those of [`Transform::params`] or
    /// narrower ones. A watermark without an overlay is unavailable.
    pub fn new(transform: Transform, settings: Settings) -> Self {
        let availability = match (&settings.overlay, transform) {
            (None, Transform::Watermark) => Availability::Unavailable {
                reason: "the catalogue gives it no overlay; add overlay = \"logo.png\"".to_owned(),
            },
            _ => Availability::Available,
        };
        Self {
            transform,
            description: OperationDescription {
                name: settings.name,
                summary: settings.summary,
                params: settings.params,
                accepts: transform.accepts(),
                produces: transform.produces(),
                availability,
                cost: Cost::Free,
            },
            fingerprint: settings.fingerprint,
            retry: settings.retry,
            limits: settings.limits,
            max_pixels: settings.max_pixels,
            overlay: settings.overlay,
            codecs: settings.codecs,
        }
    }
}

#[async_trait]
impl Operation for Builtin {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn retry(&self) -> RetryPolicy {
        self.retry
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    async fn run(
        &self,
        tenant: &TenantId,
        asset: Asset,
        params: &Params,
    ) -> Result<Product, OperationError> {
        let accepts = &self.description.accepts;
        let format = Format::of(&asset.content, accepts)?;
        let encoding = params::encoding(params);
        let work = match self.transform {
            Transform::Inspect => Work::Inspect,
            Transform::Optimize => Work::Optimize {
                quality: params::quality(params),
            },
            Transform::Watermark => Work::Watermark {
                placing: watermark::placing(params),
                encoding,
            },
            Transform::Thumbnail => Work::Shape {
                geometry: thumbnail::geometry(params),
                encoding,
            },
            Transform::Resize => Work::Shape {
                geometry: resize::geometry(params),
                encoding,
            },
            Transform::Convert => Work::Shape {
                geometry: convert::GEOMETRY,
                encoding,
            },
        };
        let job = Job { work, format };
        let overlay = self.overlay.as_deref();
        self.codecs
            .run(tenant, job, asset.content, overlay, self.max_pixels)
            .await
    }
}
