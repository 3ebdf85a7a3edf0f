//! The built-in transforms, held against the same work done by others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on fails"
)]

#[path = "transforms/budget.rs"]
mod budget;
#[path = "transforms/colour.rs"]
mod colour;
#[path = "transforms/formats.rs"]
mod formats;
#[path = "transforms/inspect.rs"]
mod inspect;
#[path = "transforms/likeness.rs"]
mod likeness;
#[path = "transforms/optimize.rs"]
mod optimize;
#[path = "transforms/properties.rs"]
mod properties;
#[path = "transforms/support.rs"]
mod support;
