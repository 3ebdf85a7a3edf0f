//! Which assets a vendor takes.

use assetmill_core::MediaType;
use assetmill_vendors::InputConstraints;

use super::super::error::Diagnostic;
use super::super::value::Value;

/// An answer is held in memory, and so is an asset.
pub(super) const MAX_MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// What assets the vendor takes, by the fields of `asset`.
pub(super) fn input_constraints(
    accepts: Option<Value<'_>>,
    max_bytes: Option<Value<'_>>,
) -> Result<InputConstraints, Diagnostic> {
    let max_bytes = max_bytes.map(|bytes| bytes.integer(1..=MAX_MAX_BYTES));
    Ok(InputConstraints {
        accepts: media_types(accepts)?,
        max_bytes: max_bytes.transpose()?,
    })
}

/// A list of media types; none where it is left out.
pub(super) fn media_types(value: Option<Value<'_>>) -> Result<Vec<MediaType>, Diagnostic> {
    let items = value.map_or_else(|| Ok(Vec::new()), |value| value.list())?;
    items
        .iter()
        .map(|item| item.parsed("a media type, such as \"image/png\""))
        .collect()
}
