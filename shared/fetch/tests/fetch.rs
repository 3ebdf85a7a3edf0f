//! The guarded fetcher against real servers, honest and not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on fails"
)]

#[path = "fetch/answers.rs"]
mod answers;
#[path = "fetch/bounds.rs"]
mod bounds;
#[path = "fetch/guard.rs"]
mod guard;
#[path = "fetch/redirects.rs"]
mod redirects;
#[path = "fetch/room.rs"]
mod room;
#[path = "fetch/site.rs"]
mod site;
#[path = "fetch/uploads.rs"]
mod uploads;
