//! The catalogue file: TOML in, operations out.
//!
//! A broken catalogue stops the start with one line that says where, what is wrong, and what would
//! be right. The file is therefore read by hand from a tree that knows the place of every value;
//! each reader turns one kind of table into one type, and nothing is checked again later.
//!
//! A secret that is not set breaks nothing: its operation says what it lacks.

mod chain;
mod context;
mod entry;
mod error;
mod kind;
mod limits;
mod masks;
mod params;
mod table;
mod transform;
mod value;
mod vendor;

use std::collections::BTreeMap;
use std::sync::Arc;

use assetmill_core::{Catalogue, Operation, OperationName};
use assetmill_fetch::GuardedClient;
use assetmill_images::Codecs;
use assetmill_vendors::Extension;
use toml::de::DeTable;

use context::{BuiltOperation, Context};
use error::Diagnostic;
use table::Table;

pub use error::CatalogueError;
pub use limits::{UnknownLimits, check_variables};

/// Reads a catalogue. `file` is what errors call it; `client` is what vendors are called through;
/// `codecs` is where pictures are worked on; `secrets` tells the value of an environment variable.
///
/// # Errors
/// [`CatalogueError`] for a diagnostic in the text. A secret that is not set is none.
pub fn load(
    text: &str,
    file: &str,
    client: &GuardedClient,
    codecs: &Codecs,
    secrets: &dyn Fn(&str) -> Option<String>,
) -> Result<Catalogue, CatalogueError> {
    // Without a client for it, its secrets are as good as absent, and their operations say so.
    let extension = Extension::of(secrets).ok().flatten();
    let context = Context {
        client,
        codecs,
        secrets,
        extension: extension.as_ref(),
    };
    let read = || {
        let document = DeTable::parse(text).map_err(|error| Diagnostic::syntax(&error, text))?;
        read(&document, context)
    };
    read().map_err(|diagnostic| diagnostic.located(file, text))
}

fn read(
    document: &toml::Spanned<DeTable<'_>>,
    context: Context<'_>,
) -> Result<Catalogue, Diagnostic> {
    let top = Table::top(document, &["default", "operations"])?;
    let default = top.required("default", "default = \"thumbnail\"")?;
    let entries = top
        .required("operations", "[operations.thumbnail]")?
        .entries()?;
    let mut made: BTreeMap<String, BuiltOperation> = BTreeMap::new();
    let mut chained: Vec<Arc<dyn Operation>> = Vec::new();
    let mut names = Vec::with_capacity(entries.len());
    // Chains are made of the others, wherever they stand.
    let (chains, others): (Vec<_>, Vec<_>) =
        entries.iter().partition(|(_, entry)| kind::is_chain(entry));
    for (key, value) in others.into_iter().chain(chains) {
        let name: OperationName = key
            .text
            .parse()
            .map_err(|error| key.diagnostic(format!("{} is no name: {error}", key.shown())))?;
        let one = kind::operation(name, value, context, &made)?;
        if kind::is_chain(value) {
            chained.push(one.operation);
        } else {
            made.insert(key.text.to_owned(), one);
        }
        names.push(key.text);
    }
    let operations = made.into_values().map(|made| made.operation).chain(chained);
    let unknown = || {
        let wrong = default.text().unwrap_or_default();
        let hint = match error::suggestion(wrong, names.iter().copied(), "it can be") {
            hint if hint.is_empty() => format!("; add a table [operations.{wrong}]"),
            hint => hint,
        };
        default.diagnostic(format!("default names no operation \"{wrong}\"{hint}"))
    };
    let name: OperationName = default.text()?.parse().map_err(|_| unknown())?;
    Catalogue::new(operations, &name).ok_or_else(unknown)
}

#[cfg(test)]
mod tests;
