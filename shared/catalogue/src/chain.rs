//! Entries that are lists of others.

mod operation;

use std::collections::BTreeMap;
use std::sync::Arc;

use assetmill_core::{Operation, Params, Step};
use serde_json::Map;

use super::context::BuiltOperation;
use super::entry::Entry;
use super::error::{Diagnostic, suggestion};
use super::value::Value;
use operation::{Chain, Settings};

/// The fields of such an entry.
pub(super) const FIELDS: &[&str] = &["chain", "summary", "retry"];

/// The operation of an entry whose `chain` this is; `known` are those that it may be made of.
pub(super) fn operation(
    entry: Entry<'_>,
    chain: &Value<'_>,
    known: &BTreeMap<String, BuiltOperation>,
) -> Result<Arc<dyn Operation>, Diagnostic> {
    let mut steps: Vec<Step> = Vec::new();
    for item in chain.list()? {
        let table = item.table(&["operation", "params"])?;
        let name = table.required("operation", "operation = \"resize\"")?;
        let made = known.get(name.text()?).ok_or_else(|| {
            let names = known.keys().map(String::as_str);
            let hint = suggestion(name.text().unwrap_or_default(), names, "it can be");
            name.diagnostic(format!(
                "{} names no operation that is not a chain itself{hint}",
                name.path
            ))
        })?;
        if made.takes_url && !steps.is_empty() {
            return Err(name.diagnostic(format!(
                "{}: this vendor is given the URL of the asset, not what came before; make it the first",
                name.path
            )));
        }
        steps.push(Step {
            retry: made.operation.retry(),
            params: params(table.optional("params").as_ref(), &name, &*made.operation)?,
            operation: made.operation.clone(),
        });
    }
    if steps.len() < 2 {
        return Err(chain.diagnostic(format!(
            "{} has less than two operations; add one, as {{ operation = \"convert\" }}",
            chain.path
        )));
    }
    let rest = steps.split_off(1);
    let Some(first) = steps.pop() else {
        return Err(chain.wrong("a list of operations"));
    };
    let settings = Settings {
        name: entry.name,
        summary: entry.summary,
        retry: entry.table.optional("retry").map(|_| entry.retry),
    };
    Ok(Arc::new(Chain::new(settings, first, rest)))
}

fn params(
    given: Option<&Value<'_>>,
    name: &Value<'_>,
    operation: &dyn Operation,
) -> Result<Params, Diagnostic> {
    let entries = given.map_or_else(|| Ok(Vec::new()), Value::entries)?;
    let mut object = Map::new();
    let schema = &operation.description().params;
    for (key, value) in &entries {
        let scalar = value
            .scalar()
            .ok_or_else(|| value.wrong("a text, a number, true or false"))?;
        object.insert(key.text.to_owned(), scalar);
        // One at a time, so that a diagnostic has its place.
        schema
            .accept(&object)
            .map_err(|error| key.diagnostic(error.to_string()))?;
    }
    schema
        .accept(&object)
        .map_err(|error| name.diagnostic(error.to_string()))
}
