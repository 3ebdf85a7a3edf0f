//! Vendor operations against a stub vendor: what it is sent, and what each of its answers comes to.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on fails"
)]

#[path = "vendor/echo.rs"]
mod echo;
#[path = "vendor/jobs.rs"]
mod jobs;
#[path = "vendor/mask.rs"]
mod mask;
#[path = "vendor/memory.rs"]
mod memory;
#[path = "vendor/outcomes.rs"]
mod outcomes;
#[path = "vendor/profiles/mod.rs"]
mod profiles;
#[path = "vendor/refusals.rs"]
mod refusals;
#[path = "vendor/requests.rs"]
mod requests;
#[path = "vendor/results.rs"]
mod results;
#[path = "vendor/secrets.rs"]
mod secrets;
#[path = "vendor/stub.rs"]
mod stub;
