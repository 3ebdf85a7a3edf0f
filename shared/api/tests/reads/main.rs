//! The routes, each over the reference implementation of the ports. One file per route.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod document;
mod not_modified;
mod v2_activity;
mod v2_batches;
mod v2_batches_failures;
mod v2_batches_id;
mod v2_operations;
mod v2_transforms_id;
mod v2_transforms_results;
mod world;
