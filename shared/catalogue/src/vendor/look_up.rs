//! The request that tells what became of a call.

use std::time::Duration;

use assetmill_core::ParamsSchema;
use assetmill_vendors::{Condition, LookUpRequest, Source, Step, Template};
use http::Method;

use super::super::error::Diagnostic;
use super::super::value::Value;
use super::conditions;
use super::request::{check_base, check_no_gap, headers, url_template};

/// The request of a `look_up`. One that does not say what it looks for would find any call.
pub(super) fn request(
    value: Option<Value<'_>>,
    params: &ParamsSchema,
) -> Result<Option<LookUpRequest>, Diagnostic> {
    let Some(value) = value else {
        return Ok(None);
    };
    let table = value.table(&["url", "headers", "found", "fail", "absent"])?;
    let url_value = table.required(
        "url",
        "url = \"https://api.example.com/v1/jobs/{call:reference}\"",
    )?;
    let url = url_template(&url_value, params)?;
    check_no_gap(&url_value, &url, params)?;
    check_base(&url_value, &url)?;
    let condition = |name| {
        let condition = table.optional(name);
        condition.map(|it| conditions::one(&it)).transpose()
    };
    let request = Step {
        method: Method::GET,
        headers: headers(table.optional("headers"), params)?,
        fields: Vec::new(),
        until: condition("found")?,
        fail: condition("fail")?,
        every: Duration::ZERO,
        url,
    };
    let names_the_call = request
        .templates()
        .flat_map(Template::sources)
        .any(|source| *source == Source::Reference);
    if !names_the_call {
        let path = &value.path;
        return Err(value.diagnostic(format!(
            "{path} does not say which call it asks for; use {{call:reference}} in its url or headers, and in the \
             first request"
        )));
    }
    let absent = condition("absent")?.unwrap_or(Condition {
        status: vec![404],
        at: None,
        is: Vec::new(),
    });
    Ok(Some(LookUpRequest { request, absent }))
}
