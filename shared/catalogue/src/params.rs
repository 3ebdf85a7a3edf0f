//! Parameters: those that an entry declares, and defaults that it overrides.

use std::collections::BTreeMap;

use assetmill_core::{ParamKind, ParamSpec, ParamsSchema};

use super::error::{Diagnostic, suggestion};
use super::table::Table;
use super::value::Value;

/// The most characters of a text parameter that does not say.
const DEFAULT_MAX_LENGTH: usize = 500;
/// The most that one may say: parameters are kept in the row of every flow.
const MAX_MAX_LENGTH: usize = 10_000;
const LARGEST: i64 = 1_000_000_000;

#[derive(Clone, Copy)]
enum Type {
    Boolean,
    Integer,
    Number,
    String,
}

/// The parameters that a `params` table declares.
pub(super) fn declared(params: Option<Value<'_>>) -> Result<ParamsSchema, Diagnostic> {
    let mut schema = BTreeMap::new();
    let entries = params.map_or_else(|| Ok(Vec::new()), |params| params.entries())?;
    for (key, value) in entries {
        if !is_name(key.text) {
            return Err(key.diagnostic(format!(
                "{} can't name a parameter; use a-z, 0-9 and _, and begin with a letter",
                key.shown()
            )));
        }
        schema.insert(key.text.to_owned(), spec(&value)?);
    }
    Ok(ParamsSchema(schema))
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
}

fn spec(value: &Value<'_>) -> Result<ParamSpec, Diagnostic> {
    let types = [
        ("boolean", Type::Boolean),
        ("integer", Type::Integer),
        ("number", Type::Number),
        ("string", Type::String),
    ];
    // The type decides which other fields there are, so it is looked up before they are.
    let every_field = [
        "type",
        "min",
        "max",
        "enum",
        "max_length",
        "default",
        "summary",
    ];
    let table = value.table(&every_field)?;
    let kind = table
        .required("type", "type = \"string\"")?
        .choice(&types)?;
    let table = match kind {
        Type::Boolean => value.table(&["type", "default", "summary"])?,
        Type::Integer | Type::Number => {
            value.table(&["type", "min", "max", "default", "summary"])?
        }
        Type::String => value.table(&["type", "enum", "max_length", "default", "summary"])?,
    };
    let kind = match kind {
        Type::Boolean => ParamKind::Boolean,
        Type::Integer => integer(&table)?,
        Type::Number => number(&table)?,
        Type::String => string(&table)?,
    };
    let default = match table.optional("default") {
        Some(default) => Some(fitting(&kind, &default)?),
        None => None,
    };
    let summary = match table.optional("summary") {
        Some(summary) => summary.sentence()?,
        None => String::new(),
    };
    Ok(ParamSpec {
        summary,
        kind,
        default,
    })
}

fn integer(table: &Table<'_>) -> Result<ParamKind, Diagnostic> {
    let min = table
        .required("min", "min = 1")?
        .integer(-LARGEST..=LARGEST)?;
    let max = table.required("max", "max = 100")?.integer(min..=LARGEST)?;
    Ok(ParamKind::Integer { min, max })
}

fn number(table: &Table<'_>) -> Result<ParamKind, Diagnostic> {
    #[expect(clippy::cast_precision_loss)] // a billion is far below 2^53
    let largest = LARGEST as f64;
    let min = table
        .required("min", "min = 0")?
        .number(-largest..=largest)?;
    let max = table.required("max", "max = 1")?.number(min..=largest)?;
    Ok(ParamKind::Number { min, max })
}

fn string(table: &Table<'_>) -> Result<ParamKind, Diagnostic> {
    let max_length = table.optional("max_length");
    let Some(choices) = table.optional("enum") else {
        let max_length = match max_length {
            Some(length) => length.integer(1..=MAX_MAX_LENGTH as u64)?.try_into(),
            None => Ok(DEFAULT_MAX_LENGTH),
        };
        let max_length = max_length.unwrap_or(MAX_MAX_LENGTH);
        return Ok(ParamKind::Text { max_length });
    };
    if let Some(length) = max_length {
        let path = table.path();
        return Err(length.diagnostic(format!(
            "{path} has both enum and max_length; leave max_length out"
        )));
    }
    let listed: Vec<_> = choices
        .list()?
        .iter()
        .map(|choice| choice.text().map(str::to_owned))
        .collect::<Result<_, _>>()?;
    if listed.is_empty() {
        return Err(choices.diagnostic(format!(
            "{} is empty; list the texts that the parameter can be",
            choices.path
        )));
    }
    Ok(ParamKind::Choice(listed))
}

/// The parameters of a transform, with the defaults that the catalogue gives them.
pub(super) fn overridden(
    mut specs: BTreeMap<String, ParamSpec>,
    defaults: Option<Value<'_>>,
) -> Result<ParamsSchema, Diagnostic> {
    let entries = defaults.map_or_else(|| Ok(Vec::new()), |defaults| defaults.entries())?;
    for (key, value) in entries {
        let Some(spec) = specs.get_mut(key.text) else {
            let hint = suggestion(key.text, specs.keys().map(String::as_str), "it takes");
            let name = key.shown();
            return Err(key.diagnostic(format!("the transform has no parameter {name}{hint}")));
        };
        spec.default = Some(fitting(&spec.kind, &value)?);
    }
    Ok(ParamsSchema(specs))
}

fn fitting(kind: &ParamKind, value: &Value<'_>) -> Result<assetmill_core::ParamValue, Diagnostic> {
    value
        .scalar()
        .and_then(|scalar| kind.accept(&scalar))
        .ok_or_else(|| value.wrong(kind.expectation()))
}
