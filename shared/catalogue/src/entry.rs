//! What every entry has.

use std::time::Duration;

use assetmill_core::pacing::Limits;
use assetmill_core::{OperationName, RetryPolicy};

use super::context::Context;
use super::error::Diagnostic;
use super::limits;
use super::table::Table;
use super::value::Value;

/// The longest wait between attempts, in seconds.
const LONGEST_WAIT: f64 = 3600.0;
const SHORTEST_WAIT: f64 = 0.01;

/// An entry, whatever its kind.
pub(super) struct Entry<'a> {
    pub(super) name: OperationName,
    pub(super) summary: String,
    pub(super) retry: RetryPolicy,
    pub(super) limits: Limits,
    pub(super) table: Table<'a>,
}

impl<'a> Entry<'a> {
    /// Reads what every entry has; `table` knows the fields of its kind.
    pub(super) fn read(
        name: OperationName,
        table: Table<'a>,
        context: Context<'_>,
    ) -> Result<Self, Diagnostic> {
        Ok(Self {
            limits: limits::of(&name, &table, context)?,
            name,
            summary: table
                .required("summary", "summary = \"What it does, in a sentence\"")?
                .sentence()?,
            retry: retry(table.optional("retry"))?,
            table,
        })
    }
}

fn retry(value: Option<Value<'_>>) -> Result<RetryPolicy, Diagnostic> {
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
