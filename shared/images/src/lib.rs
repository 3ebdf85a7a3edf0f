//! Pictures: the transforms that are built in, what they cost, and the processes that they work in.
//!
//! [`Builtin`] is an operation of the catalogue. It makes a job of what it is asked for (`work`), whose cost
//! is known from the picture's own words (`header`) before anything is set aside for it (`price`); the job
//! is then done behind a wall (`sandbox`), by the transforms and codecs in the other modules.

mod builtin;
mod codecs;
mod colour;
mod decode;
mod encode;
mod geometry;
mod header;
mod inspect;
mod mask;
mod optimize;
mod params;
mod picture;
mod price;
mod resize;
pub mod sandbox;
mod watermark;
mod webp;
mod work;

use std::sync::Arc;

use assetmill_core::{OperationName, ParamsSchema, RetryPolicy};

pub use builtin::{Builtin, Transform};
pub use codecs::{Bounds, Codecs, Spent};
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
    /// What it works with.
    pub codecs: Codecs,
}
