//! One entry: a transform or a vendor's.

use std::collections::BTreeMap;
use std::time::Duration;

use assetmill_core::{OperationName, RetryPolicy};

use super::error::Mistake;
use super::table::Table;
use super::value::Value;
use super::{Made, Surroundings, chain, transform, vendor};

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
    Chain(Value<'a>),
}

/// Whether an entry is a list of others.
pub(super) fn is_chain(value: &Value<'_>) -> bool {
    value
        .entries()
        .is_ok_and(|fields| fields.iter().any(|(key, _)| key.text == "chain"))
}

/// The operation that an entry declares.
pub(super) fn operation(
    name: OperationName,
    value: &Value<'_>,
    surroundings: Surroundings<'_>,
    known: &BTreeMap<String, Made>,
) -> Result<Made, Mistake> {
    // Unknown fields are looked for among those of every kind first: which kind it is can't be told
    // when that very field is misspelt.
    let mut every_field = transform::FIELDS.to_vec();
    for name in vendor::FIELDS.iter().chain(chain::FIELDS) {
        if !every_field.contains(name) {
            every_field.push(name);
        }
    }
    let table = value.table(&every_field)?;
    let kind = kind(value, &table)?;
    let table = value.table(match kind {
        Kind::Transform(_) => transform::FIELDS,
        Kind::Vendor(_) => vendor::FIELDS,
        Kind::Chain(_) => chain::FIELDS,
    })?;
    let entry = Entry {
        name,
        summary: table
            .required("summary", "summary = \"What it does, in a sentence\"")?
            .sentence()?,
        retry: retry(table.optional("retry"))?,
        table,
    };
    let content_alone = |operation| Made {
        operation,
        takes_url: false,
    };
    match kind {
        Kind::Transform(transform) => {
            transform::operation(entry, &transform, surroundings).map(content_alone)
        }
        Kind::Chain(list) => chain::operation(entry, &list, known).map(content_alone),
        Kind::Vendor(vendor) => vendor::operation(entry, &vendor, surroundings),
    }
}

fn kind<'a>(value: &Value<'a>, table: &Table<'a>) -> Result<Kind<'a>, Mistake> {
    let found = ["transform", "vendor", "chain"].map(|name| table.optional(name));
    let both = |names, second: &Value<'_>| {
        let path = &value.path;
        Err(second.mistake(format!("{path} has both {names}; leave one of them out")))
    };
    match found {
        [Some(transform), None, None] => Ok(Kind::Transform(transform)),
        [None, Some(vendor), None] => Ok(Kind::Vendor(vendor)),
        [None, None, Some(chain)] => Ok(Kind::Chain(chain)),
        [Some(_), Some(second), _] => both("transform and vendor", &second),
        [Some(_), _, Some(second)] => both("transform and chain", &second),
        [_, Some(_), Some(second)] => both("vendor and chain", &second),
        [None, None, None] => Err(value.mistake(format!(
            "{} lacks \"transform\", \"vendor\" or \"chain\"; add transform = \"thumbnail\" or a \
             table [{}.vendor]",
            value.path, value.path
        ))),
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
