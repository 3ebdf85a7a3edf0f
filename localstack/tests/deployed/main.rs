//! What the program passes over HTTP, asked of an Assetmill that was deployed: at `ASSETMILL_TEST_URL`, with
//! the keys `ASSETMILL_TEST_KEYS`. And what only queues and functions can go through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    dead_code,
    reason = "what is shared with the tests of the program is not all asked here"
)]

#[path = "../program/activity.rs"]
mod activity;
#[path = "../program/assets.rs"]
mod assets;
#[path = "../program/bad_input.rs"]
mod bad_input;
#[path = "../program/batches.rs"]
mod batches;
mod events;
mod faults;
mod limits;
mod resources;
#[path = "../program/service.rs"]
mod service;
#[path = "../program/single.rs"]
mod single;
#[path = "../program/support.rs"]
mod support;
#[path = "../program/uploads.rs"]
mod uploads;
