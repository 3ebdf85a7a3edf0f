//! Entries that the worker does itself.

use std::sync::Arc;

use assetmill_core::{Operation, Sha256Digest};
use serde_json::json;

use super::entry::Entry;
use super::error::Mistake;
use super::params;
use super::value::Value;
use crate::transform::{DEFAULT_MAX_PIXELS, Settings, Thumbnail};

/// The most pixels that an operator can allow: what takes 4 GB to decode at 8 bytes a pixel.
const MAX_MAX_PIXELS: u64 = 500_000_000;

#[derive(Clone, Copy)]
enum Transform {
    Thumbnail,
}

/// The fields of such an entry.
pub(super) const FIELDS: &[&str] = &["transform", "summary", "defaults", "retry", "max_pixels"];

/// The operation of an entry whose `transform` this is.
pub(super) fn operation(
    entry: Entry<'_>,
    transform: &Value<'_>,
) -> Result<Arc<dyn Operation>, Mistake> {
    let chosen = transform.choice(&[("thumbnail", Transform::Thumbnail)])?;
    let max_pixels = match entry.table.optional("max_pixels") {
        Some(pixels) => pixels.integer(1..=MAX_MAX_PIXELS)?,
        None => DEFAULT_MAX_PIXELS,
    };
    let specs = match chosen {
        Transform::Thumbnail => Thumbnail::params(),
    };
    let settings = Settings {
        params: params::overridden(specs, entry.table.optional("defaults"))?,
        name: entry.name,
        summary: entry.summary,
        fingerprint: fingerprint(transform.text()?),
        retry: entry.retry,
        max_pixels,
    };
    Ok(match chosen {
        Transform::Thumbnail => Arc::new(Thumbnail::new(settings)),
    })
}

/// Defaults are not in it: they are part of the parameters by the time that work is told apart. Nor
/// is the limit on pixels, which changes no product.
fn fingerprint(transform: &str) -> String {
    let definition = json!({ "version": 1, "transform": transform });
    Sha256Digest::of(definition.to_string().as_bytes()).to_string()
}
