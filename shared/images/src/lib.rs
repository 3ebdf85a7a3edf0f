//! Pictures: the transforms that are built in, what they cost, and the processes that they work in.
//!
//! [`Builtin`] is an operation of the catalogue. It makes a job of what it is asked for (`work`), whose cost
//! is known from the picture's own words (`header`) before anything is set aside for it (`price`); the job
//! is then done behind a wall (`sandbox`), by one of the `transforms`. Codecs are apart: `decode` makes pixels of
//! content, and `encode` content of pixels.

mod bounds;
mod builtin;
mod codecs;
mod colour;
mod decode;
mod encode;
mod encoding;
mod format;
mod geometry;
mod header;
mod params;
mod picture;
mod price;
mod resize;
pub mod sandbox;
mod transforms;
mod upright;
mod webp;
mod work;

pub use bounds::{Bounds, DEFAULT_MAX_PIXELS};
pub use builtin::{Builtin, Settings, Transform};
pub use codecs::{Codecs, Spent};
pub use transforms::watermark::{Overlay, OverlayError};
