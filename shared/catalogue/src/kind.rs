//! Which kind of operation an entry declares: a transform, a vendor's, or a chain.

use std::collections::BTreeMap;

use assetmill_core::OperationName;

use super::context::{BuiltOperation, Context};
use super::entry::Entry;
use super::error::Diagnostic;
use super::table::Table;
use super::value::Value;
use super::{chain, limits, transform, vendor};

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
    context: Context<'_>,
    known: &BTreeMap<String, BuiltOperation>,
) -> Result<BuiltOperation, Diagnostic> {
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
    if matches!(kind, Kind::Chain(_)) {
        limits::none_of_a_chain(&name, &table, context)?;
    }
    let entry = Entry::read(name, table, context)?;
    let content_alone = |operation| BuiltOperation {
        operation,
        takes_url: false,
    };
    match kind {
        Kind::Transform(transform) => {
            transform::operation(entry, &transform, context).map(content_alone)
        }
        Kind::Chain(list) => chain::operation(entry, &list, known).map(content_alone),
        Kind::Vendor(vendor) => vendor::operation(entry, &vendor, context),
    }
}

fn kind<'a>(value: &Value<'a>, table: &Table<'a>) -> Result<Kind<'a>, Diagnostic> {
    let found = ["transform", "vendor", "chain"].map(|name| table.optional(name));
    let both = |names, second: &Value<'_>| {
        let path = &value.path;
        Err(second.diagnostic(format!("{path} has both {names}; leave one of them out")))
    };
    match found {
        [Some(transform), None, None] => Ok(Kind::Transform(transform)),
        [None, Some(vendor), None] => Ok(Kind::Vendor(vendor)),
        [None, None, Some(chain)] => Ok(Kind::Chain(chain)),
        [Some(_), Some(second), _] => both("transform and vendor", &second),
        [Some(_), _, Some(second)] => both("transform and chain", &second),
        [_, Some(_), Some(second)] => both("vendor and chain", &second),
        [None, None, None] => Err(value.diagnostic(format!(
            "{} lacks \"transform\", \"vendor\" or \"chain\"; add transform = \"thumbnail\" or a \
             table [{}.vendor]",
            value.path, value.path
        ))),
    }
}
