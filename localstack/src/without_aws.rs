//! What stands in for `aws` in a program that was built without the feature of that name: the same functions, none
//! of which can do anything.

use std::future::ready;
use std::sync::Arc;

use assetmill_core::ports::Clock;

use crate::adapters::Adapters;
use crate::config::{Config, Polled};

/// The program was asked for what was left out of it.
#[derive(Debug, thiserror::Error)]
#[error(
    "this assetmill was built without AWS, which --aws (ASSETMILL_AWS), init and poll need: \
     build it with `--features aws`, as in `cargo run --features aws -- init`"
)]
pub struct AwsError;

pub(crate) fn adapters(
    _: &Config,
    _: Arc<dyn Clock>,
) -> impl Future<Output = Result<Adapters, AwsError>> {
    ready(Err(AwsError))
}

pub(crate) fn poll(_: &Config, _: &Polled) -> impl Future<Output = Result<(), AwsError>> {
    ready(Err(AwsError))
}

pub(crate) fn init(_: &Config) -> impl Future<Output = Result<(), AwsError>> {
    ready(Err(AwsError))
}
