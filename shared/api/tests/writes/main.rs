//! The routes, each over the reference implementation of the ports. One file per route.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod announced;
mod counted;
mod document;
mod forms;
mod health;
mod idempotency;
mod limits;
mod read_only;
mod v1_at_hand;
mod v1_transform;
mod v1_transforms;
mod v2_assets;
mod v2_batches_cancel;
mod v2_batches_retry;
mod v2_flows_cancel;
mod v2_flows_retry;
mod v2_operations;
mod v2_transforms;
mod v2_webhooks;
mod world;
