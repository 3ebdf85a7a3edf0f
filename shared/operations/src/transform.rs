//! The transforms that are built in.

mod blocking;
mod builtin;
mod colour;
mod decode;
mod encode;
mod geometry;
mod inspect;
pub(crate) mod mask;
mod optimize;
mod params;
mod picture;
mod resize;
mod watermark;
mod webp;

use std::sync::Arc;

use assetmill_core::{OperationName, ParamsSchema, RetryPolicy};

pub use builtin::{Builtin, Transform};
pub use watermark::{Overlay, OverlayError};

/// The most pixels of an asset that are decoded unless the catalogue says otherwise: a photograph
/// of 100 megapixels. At 8 bytes a pixel (16 bits a channel) it takes 800 MB.
pub const DEFAULT_MAX_PIXELS: u64 = 100_000_000;

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
    /// The most pixels of an asset, width times height, that are decoded.
    pub max_pixels: u64,
    /// What [`Transform::Watermark`] lays over pictures; without one it has nothing to do.
    pub overlay: Option<Arc<Overlay>>,
}
