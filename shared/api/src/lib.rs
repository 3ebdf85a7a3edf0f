//! The HTTP API: its routes, and what they share: problem responses, who calls, request bodies, the JSON views
//! of flows and batches, and the layers around a router.
//!
//! [`ROUTES`] is the table of all routes. [`reads`] and [`writes`] each make a router of their ports. Nothing here
//! knows in which process, or behind which gateway, a router is mounted: two Lambda functions mount one each, and
//! the program on one machine mounts both.

pub mod body;
pub mod caller;
mod cursor;
pub mod docs;
mod filter;
mod flow_ids;
pub mod idempotency;
pub mod in_flight;
pub mod layers;
mod not_modified;
pub mod operators;
pub mod path;
pub mod pointer;
pub mod problem;
pub mod query;
pub mod reads;
pub mod routes;
pub mod rows;
pub mod sample;
mod under_way;
pub mod views;
pub mod writes;

pub use body::{JsonBody, MAX_BODY_BYTES, OptionalJsonBody, RequestBody};
pub use caller::{BadCallers, Caller, CallerTable, Callers, CallersSource, KeyDigest, Writer};
pub use idempotency::Idempotency;
pub use in_flight::{InFlight, TenantInFlight};
pub use operators::Operators;
pub use path::PathId;
pub use pointer::Pointer;
pub use problem::{ErrorCode, Problem};
pub use routes::{Function, ROUTES, Route};
pub use under_way::UnderWay;

use utoipa::openapi::OpenApi;

/// The OpenAPI document of all routes, with examples for a program at its default address.
pub fn openapi() -> OpenApi {
    let mut document = writes::openapi();
    document.merge(reads::openapi());
    document
}
