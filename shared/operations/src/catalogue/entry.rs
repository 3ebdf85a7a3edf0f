//! One entry: a transform or a vendor's.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::{Operation, OperationName, RetryPolicy};

use super::error::Mistake;
use super::table::Table;
use super::value::Value;
use super::{Surroundings, transform, vendor};

/// The longest wait between attempts, in seconds.
const LONGEST_WAIT: f64 = 3600.0;
const SHORTEST_WAIT: f64 = 0.01;

/// What every entry has.
pub(super) struct Entry<'a> {
    pub(super) name: OperationName,
    pub(super) summary: String,
    pub(super) retry: RetryPolicy,
    pub(super) table: Table<'a>,
}

enum Kind<'a> {
    Transform(Value<'a>),
    Vendor(Value<'a>),
}

/// The operation that an entry declares.
pub(super) fn operation(
    name: OperationName,
    value: &Value<'_>,
    surroundings: Surroundings<'_>,
) -> Result<Arc<dyn Operation>, Mistake> {
    // Unknown fields are looked for among those of every kind first: which kind it is can't be told
    // when that very field is misspelt.
    let mut every_field = transform::FIELDS.to_vec();
    every_field.extend(
        vendor::FIELDS
            .iter()
            .filter(|name| !transform::FIELDS.contains(name)),
    );
    let table = value.table(&every_field)?;
    let kind = match (table.optional("transform"), table.optional("vendor")) {
        (Some(transform), None) => Kind::Transform(transform),
        (None, Some(vendor)) => Kind::Vendor(vendor),
        (Some(_), Some(vendor)) => {
            return Err(vendor.mistake(format!(
                "{} has both transform and vendor; leave one of them out",
                value.path
            )));
        }
        (None, None) => {
            return Err(value.mistake(format!(
                "{} lacks \"transform\" or \"vendor\"; add transform = \"thumbnail\" or a table \
                 [{}.vendor]",
                value.path, value.path
            )));
        }
    };
    let table = value.table(match kind {
        Kind::Transform(_) => transform::FIELDS,
        Kind::Vendor(_) => vendor::FIELDS,
    })?;
    let entry = Entry {
        name,
        summary: table
            .required("summary", "summary = \"What it does, in a sentence\"")?
            .sentence()?,
        retry: retry(table.optional("retry"))?,
        table,
    };
    match kind {
        Kind::Transform(transform) => transform::operation(entry, &transform),
        Kind::Vendor(vendor) => vendor::operation(entry, &vendor, surroundings),
    }
}

fn retry(value: Option<Value<'_>>) -> Result<RetryPolicy, Mistake> {
    let mut policy = RetryPolicy::default();
    let Some(value) = value else {
        return Ok(policy);
    };
    let table = value.table(&["max_attempts", "base_seconds", "cap_seconds"])?;
    if let Some(attempts) = table.optional("max_attempts") {
        policy.max_attempts = attempts.integer(1..=20)?;
    }
    if let Some(base) = table.optional("base_seconds") {
        policy.base = Duration::from_secs_f64(base.number(SHORTEST_WAIT..=LONGEST_WAIT)?);
        policy.cap = policy.cap.max(policy.base);
    }
    if let Some(cap) = table.optional("cap_seconds") {
        let base = policy.base.as_secs_f64();
        policy.cap = Duration::from_secs_f64(cap.number(base..=LONGEST_WAIT)?);
    }
    Ok(policy)
}
