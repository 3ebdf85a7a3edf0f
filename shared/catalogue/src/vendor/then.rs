//! The requests that follow the first.

use std::time::Duration;

use assetmill_core::ParamsSchema;
use assetmill_vendors::Step;
use http::Method;

use super::super::error::Diagnostic;
use super::super::value::Value;
use super::request::{check_base, check_no_gap, headers, method, url_template};
use super::{conditions, payload};

const DEFAULT_EVERY: Duration = Duration::from_secs(2);
const SHORTEST_EVERY: f64 = 0.01;
const LONGEST_EVERY: f64 = 60.0;

/// The steps of a `then`: a table, or a list of them.
pub(super) fn steps(
    value: Option<Value<'_>>,
    params: &ParamsSchema,
) -> Result<Vec<Step>, Diagnostic> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    match value.list() {
        Ok(items) => items.iter().map(|item| step(item, params)).collect(),
        Err(_) => Ok(vec![step(&value, params)?]),
    }
}

fn step(value: &Value<'_>, params: &ParamsSchema) -> Result<Step, Diagnostic> {
    let table = value.table(&[
        "method",
        "url",
        "headers",
        "fields",
        "until",
        "fail",
        "every_seconds",
    ])?;
    let url_value = table.required("url", "url = \"{header:location}\"")?;
    let url = url_template(&url_value, params)?;
    check_no_gap(&url_value, &url, params)?;
    if !url.is_answer() {
        check_base(&url_value, &url)?;
    }
    let until = table.optional("until");
    let every = match table.optional("every_seconds") {
        None => DEFAULT_EVERY,
        Some(every) => Duration::from_secs_f64(every.number(SHORTEST_EVERY..=LONGEST_EVERY)?),
    };
    let method = match table.optional("method") {
        Some(value) => method(&value)?,
        None => Method::GET,
    };
    if let Some(until) = until.as_ref().filter(|_| method != Method::GET) {
        return Err(until.diagnostic(format!(
            "{} repeats the request, which only a GET can be; leave method out",
            until.path
        )));
    }
    Ok(Step {
        fields: payload::json_fields(table.optional("fields"), params)?,
        headers: headers(table.optional("headers"), params)?,
        until: until.map(|until| conditions::one(&until)).transpose()?,
        fail: table
            .optional("fail")
            .map(|fail| conditions::one(&fail))
            .transpose()?,
        method,
        url,
        every,
    })
}
