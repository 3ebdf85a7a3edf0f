//! URLs of outputs that expire and can't be forged, and the route that answers them.

mod route;
mod signature;

pub use route::router;
pub use signature::{LinkRefusal, SignedLinks};
