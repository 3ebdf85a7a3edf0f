//! What the HTTP functions share: problem responses, who calls, request bodies, the JSON views of
//! flows and batches, and the layers around a router.
//!
//! Nothing here knows in which process, or behind which gateway, a router is mounted.

pub mod body;
pub mod caller;
pub mod docs;
pub mod in_flight;
pub mod layers;
pub mod path;
pub mod pointer;
pub mod problem;
pub mod query;
pub mod rows;
pub mod views;

pub use body::{JsonBody, MAX_BODY_BYTES, RequestBody};
pub use caller::{Caller, Callers};
pub use in_flight::{InFlight, TenantInFlight};
pub use path::PathId;
pub use pointer::Pointer;
pub use problem::{ErrorCode, Problem};
