//! What every adapter has to keep: a contract suite that is written once against the ports of
//! `assetmill-core`, the reference implementation in memory, and decorators that inject faults.
//!
//! This crate is for tests. Its cases panic where a promise is broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc
)]

pub mod faults;
pub mod memory;
pub mod samples;
pub mod suite;
