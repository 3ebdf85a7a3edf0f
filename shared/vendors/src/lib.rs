//! Vendors: what a [`Profile`] declares of somebody's HTTP API, and the calls that it describes.
//!
//! [`VendorOperation`] is an operation of the catalogue. It fills a profile's templates in (`template`), sends
//! the request (`begin`, `request`, `destination`), reads the `response`, and what it means (`answer`, `classify`), asks on where the
//! vendor needs time (`job`, `then`), and takes the product out of the last answer (`result`). Secrets are masked in
//! all that leaves it (`secrets`).

mod answer;
mod begin;
mod call;
mod classify;
mod condition;
mod cut_out;
mod destination;
mod job;
mod operation;
mod place;
mod pointer;
mod profile;
mod request;
mod response;
mod result;
mod secrets;
mod template;
mod then;
pub mod transcript;

pub use classify::{Class, Classification};
pub use condition::Condition;
pub use cut_out::CutOut;
pub use operation::{Settings, VendorOperation};
pub use place::Place;
pub use pointer::{JsonPointer, NotAPointer};
pub use profile::{
    DEFAULT_JOB_TIMEOUT_SECONDS, DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_TIMEOUT_SECONDS, ErrorPlace,
    Field, FieldValue, InputConstraints, LookUpRequest, Meter, Payload, Profile, Rate, Resend,
    ResultPlace, ResultRole, Step,
};
pub use secrets::{BUNDLE, BUNDLED, Extension, NotASecretName, SecretName, Secrets};
pub use template::{Piece, Placeholder, Source, Template, TemplateError};
