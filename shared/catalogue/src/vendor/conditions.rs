//! Conditions on answers.

use assetmill_vendors::Condition;

use super::super::error::Diagnostic;
use super::super::value::Value;
use super::answers::place;

/// One condition, or a list of them that must all hold.
pub(super) fn all(value: Option<Value<'_>>) -> Result<Vec<Condition>, Diagnostic> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    match value.list() {
        Ok(items) => items.iter().map(one).collect(),
        Err(_) => Ok(vec![one(&value)?]),
    }
}

/// One condition.
pub(super) fn one(value: &Value<'_>) -> Result<Condition, Diagnostic> {
    let table = value.table(&["status", "at", "is"])?;
    let status = table.optional("status");
    let at = table.optional("at");
    if status.is_none() && at.is_none() {
        return Err(value.diagnostic(format!(
            "{} asks for nothing; add status = [200], or at = \"/status\" and is = [\"done\"]",
            value.path
        )));
    }
    let is = match table.optional("is") {
        None => Vec::new(),
        Some(is) if at.is_none() => {
            return Err(is.diagnostic(format!(
                "{} needs a place to look at; add at = \"/status\"",
                is.path
            )));
        }
        Some(is) => is
            .list()?
            .iter()
            .map(|item| {
                item.scalar()
                    .ok_or_else(|| item.wrong("a text, a number, true or false"))
            })
            .collect::<Result<_, _>>()?,
    };
    let status = status.map_or(Ok(Vec::new()), |status| {
        let codes = status.list()?;
        codes.iter().map(|code| code.integer(100..=599)).collect()
    })?;
    Ok(Condition {
        status,
        at: at.map(|at| place(&at)).transpose()?,
        is,
    })
}
