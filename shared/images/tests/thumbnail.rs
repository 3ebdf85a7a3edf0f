//! The thumbnail operation, as a caller sees it: content in, content out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on fails"
)]

#[path = "thumbnail/colour.rs"]
mod colour;
#[path = "thumbnail/hostile.rs"]
mod hostile;
#[path = "thumbnail/pictures.rs"]
mod pictures;
#[path = "thumbnail/shape.rs"]
mod shape;
#[path = "thumbnail/support.rs"]
mod support;
