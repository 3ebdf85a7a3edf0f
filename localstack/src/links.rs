//! URLs of outputs, and of uploads that were announced, that expire and can't be forged, and the routes that answer them.

mod route;
mod signature;
mod uploads;

pub use route::router;
pub use signature::{LinkRefusal, SignedLinks};
pub use uploads::SignedUploads;
