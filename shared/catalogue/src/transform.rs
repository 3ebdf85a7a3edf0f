//! Entries that the worker does itself.

use std::sync::Arc;

use assetmill_core::{Operation, Sha256Digest};
use assetmill_images::{Builtin, DEFAULT_MAX_PIXELS, Overlay, Settings, Transform};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::context::Context;
use super::entry::Entry;
use super::error::Diagnostic;
use super::params;
use super::value::Value;

/// The most pixels that an operator can allow: what takes 4 GB to decode at 8 bytes a pixel.
const MAX_MAX_PIXELS: u64 = 500_000_000;
/// How an overlay begins that stands in the catalogue itself (RFC 2397).
const DATA_URL: &str = "data:image/png;base64,";

/// The fields of such an entry.
pub(super) const FIELDS: &[&str] = &[
    "transform",
    "summary",
    "defaults",
    "retry",
    "limits",
    "max_pixels",
    "overlay",
];

/// The operation of an entry whose `transform` this is.
pub(super) fn operation(
    entry: Entry<'_>,
    transform: &Value<'_>,
    context: Context<'_>,
) -> Result<Arc<dyn Operation>, Diagnostic> {
    let chosen = transform.choice(Transform::ALL)?;
    let max_pixels = match entry.table.optional("max_pixels") {
        Some(pixels) => pixels.integer(1..=MAX_MAX_PIXELS)?,
        None => DEFAULT_MAX_PIXELS,
    };
    let overlay = match entry.table.optional("overlay") {
        Some(value) if chosen == Transform::Watermark => Some(Arc::new(overlay(&value)?)),
        Some(value) => {
            return Err(value.diagnostic(format!(
                "{} is for transform = \"watermark\"; leave it out",
                value.path
            )));
        }
        None => None,
    };
    let settings = Settings {
        params: params::overridden(chosen.params(), entry.table.optional("defaults"))?,
        name: entry.name,
        summary: entry.summary,
        fingerprint: fingerprint(transform.text()?, overlay.as_deref()),
        retry: entry.retry,
        limits: entry.limits,
        max_pixels,
        overlay,
        codecs: context.codecs.clone(),
    };
    Ok(Arc::new(Builtin::new(chosen, settings)))
}

/// A file, or the picture itself: a function has no files beside it.
fn overlay(value: &Value<'_>) -> Result<Overlay, Diagnostic> {
    let text = value.text()?;
    let content = match text.strip_prefix(DATA_URL) {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map_err(|_| value.wrong("base64 after data:image/png;base64,"))?,
        None => std::fs::read(text)
            .map_err(|error| value.diagnostic(format!("{} {text}: {error}", value.path)))?,
    };
    Overlay::read(&content).map_err(|error| value.diagnostic(format!("{}: {error}", value.path)))
}

/// Defaults are not in it: they are part of the parameters by the time that work is told apart. Nor
/// is the limit on pixels, which changes no product.
fn fingerprint(transform: &str, overlay: Option<&Overlay>) -> String {
    let overlay = overlay.map(|overlay| overlay.digest().to_string());
    let definition = json!({ "version": 2, "transform": transform, "overlay": overlay });
    Sha256Digest::of(definition.to_string().as_bytes()).to_string()
}
