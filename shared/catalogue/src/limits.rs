//! What an operation may be asked for: `limits = { concurrency = 20, rate = "500/min", burst = 20 }`, or what the
//! environment says in its place.

use std::num::NonZeroU32;

use assetmill_core::pacing::{Limits, NotLimits, Rate};
use assetmill_core::{Catalogue, OperationName};

use super::context::Context;
use super::error::{self, Diagnostic};
use super::table::Table;
use super::value::Value;

/// What the variables begin with; the name of the operation follows, in capitals and with `_` for `-`.
const VARIABLE: &str = "ASSETMILL_LIMITS_";
/// The most calls at once that a limit can name.
const MOST: u32 = 1_000_000;

/// A variable of the environment that limits an operation which is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {variable} limits no operation of the catalogue{hint}")]
pub struct UnknownLimits {
    variable: String,
    hint: String,
}

/// Looks among the names of the variables of the environment for limits of operations that the catalogue does not have.
///
/// # Errors
/// [`UnknownLimits`] for one of them.
pub fn check_variables(
    catalogue: &Catalogue,
    variables: impl IntoIterator<Item = String>,
) -> Result<(), UnknownLimits> {
    let names = catalogue.iter().map(|it| variable(&it.description().name));
    let known: Vec<_> = names.collect();
    let of_limits = |it: &String| it.starts_with(VARIABLE) && !known.contains(it);
    match variables.into_iter().filter(of_limits).min() {
        None => Ok(()),
        Some(variable) => {
            let known = known.iter().map(String::as_str);
            let hint = error::suggestion(&variable, known, "it can be");
            Err(UnknownLimits { variable, hint })
        }
    }
}

/// The limits of the operation of this name, whose table this is.
pub(super) fn of(
    name: &OperationName,
    table: &Table<'_>,
    context: Context<'_>,
) -> Result<Limits, Diagnostic> {
    let declared = match table.optional("limits") {
        Some(value) => declared(&value)?,
        None => Limits::default(),
    };
    let variable = variable(name);
    let Some(text) = (context.secrets)(&variable) else {
        return Ok(declared);
    };
    text.parse()
        .map_err(|error| table.diagnostic(format!("the environment variable {variable}: {error}")))
}

/// A chain is paced by the operations that it is made of.
pub(super) fn none_of_a_chain(
    name: &OperationName,
    table: &Table<'_>,
    context: Context<'_>,
) -> Result<(), Diagnostic> {
    let variable = variable(name);
    if (context.secrets)(&variable).is_some() {
        return Err(table.diagnostic(format!(
            "the environment variable {variable}: a chain has no limits of its own; limit the operations it is made of"
        )));
    }
    Ok(())
}

fn variable(name: &OperationName) -> String {
    let name = name.as_str().to_ascii_uppercase().replace('-', "_");
    format!("{VARIABLE}{name}")
}

fn declared(value: &Value<'_>) -> Result<Limits, Diagnostic> {
    let table = value.table(&["concurrency", "rate", "burst"])?;
    let number = |name| {
        let number = table.optional(name).map(|it| it.integer(1..=MOST));
        Ok::<_, Diagnostic>(number.transpose()?.and_then(NonZeroU32::new))
    };
    let rate = table.optional("rate").map(|rate| {
        let wrong = |error: NotLimits| rate.diagnostic(format!("{}: {error}", rate.path));
        rate.text()?.parse::<Rate>().map_err(wrong)
    });
    let limits = Limits::new(rate.transpose()?, number("burst")?, number("concurrency")?);
    limits.map_err(|error| value.diagnostic(format!("{}: {error}", value.path)))
}
