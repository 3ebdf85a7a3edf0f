//! The parts of a request: its method, its URL, and the templates in it.

use assetmill_core::ParamsSchema;
use assetmill_vendors::{Piece, Source, Template};
use http::{HeaderName, Method};
use url::Url;

use super::super::error::{Diagnostic, suggestion};
use super::super::value::Value;

pub(super) fn method(value: &Value<'_>) -> Result<Method, Diagnostic> {
    value.choice(&[
        ("GET", "GET"),
        ("POST", "POST"),
        ("PUT", "PUT"),
        ("PATCH", "PATCH"),
    ])?;
    value.parsed("a method, such as \"POST\"")
}

/// A template whose parameters are declared, and that signs no URL, being none.
pub(super) fn template(value: &Value<'_>, params: &ParamsSchema) -> Result<Template, Diagnostic> {
    let template = url_template(value, params)?;
    let signs = |source: &Source| matches!(source, Source::Imgproxy { .. });
    if template.sources().any(signs) {
        return Err(value.diagnostic(format!(
            "{} is no URL to be signed; {{imgproxy:…}} is for \"url\"",
            value.path
        )));
    }
    Ok(template)
}

/// A template whose parameters are declared.
pub(super) fn url_template(
    value: &Value<'_>,
    params: &ParamsSchema,
) -> Result<Template, Diagnostic> {
    let template = Template::parse(value.text()?)
        .map_err(|error| value.diagnostic(format!("{} {error}", value.path)))?;
    for name in template.params() {
        if !params.0.contains_key(name) {
            let known = params.0.keys().map(String::as_str);
            let hint = match suggestion(name, known, "declared are") {
                hint if hint.is_empty() => format!("; declare it in a table params.{name}"),
                hint => hint,
            };
            let path = &value.path;
            return Err(value.diagnostic(format!(
                "{path} uses the unknown parameter \"{name}\"{hint}"
            )));
        }
    }
    Ok(template)
}

pub(super) fn url(value: &Value<'_>, params: &ParamsSchema) -> Result<Template, Diagnostic> {
    let template = url_template(value, params)?;
    check_base(value, &template)?;
    check_no_gap(value, &template, params)?;
    Ok(template)
}

/// A URL has no place for what may be absent.
pub(super) fn check_no_gap(
    value: &Value<'_>,
    template: &Template,
    params: &ParamsSchema,
) -> Result<(), Diagnostic> {
    for name in template.params() {
        if params
            .0
            .get(name)
            .is_some_and(|spec| spec.default.is_none())
        {
            return Err(value.diagnostic(format!(
                "{} needs the parameter \"{name}\", which may be absent; give it a default",
                value.path
            )));
        }
    }
    Ok(())
}

/// A placeholder in the host could send the key to another host than the catalogue says.
pub(super) fn check_base(value: &Value<'_>, template: &Template) -> Result<(), Diagnostic> {
    let expected = "an http or https URL, such as \"https://api.example.com/v1/do\"";
    let (beginning, goes_on) = match template.pieces() {
        [] => return Err(value.wrong(expected)),
        [Piece::Literal(text), rest @ ..] => (text.as_str(), !rest.is_empty()),
        _ => ("://", true),
    };
    let unfinished = |(_, host): (&str, &str)| goes_on && !host.contains('/');
    if beginning.split_once("://").is_some_and(unfinished) {
        return Err(value.diagnostic(format!(
            "{} has a placeholder in its host; write scheme, host and port out, up to a \"/\"",
            value.path
        )));
    }
    let base = Url::parse(beginning).map_err(|_| value.wrong(expected))?;
    if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
        return Err(value.wrong(expected));
    }
    if base.username().is_empty() && base.password().is_none() {
        return Ok(());
    }
    Err(value.diagnostic(format!(
        "{} has a user name or password in it; send it in a header, as {{env:NAME}}",
        value.path
    )))
}

pub(super) fn headers(
    value: Option<Value<'_>>,
    params: &ParamsSchema,
) -> Result<Vec<(HeaderName, Template)>, Diagnostic> {
    let entries = value.map_or_else(|| Ok(Vec::new()), |value| value.entries())?;
    entries
        .iter()
        .map(|(key, value)| {
            let name: HeaderName = key.text.parse().map_err(|_| {
                let name = key.shown();
                key.diagnostic(format!(
                    "{name} can't name a header; use a name such as \"Authorization\""
                ))
            })?;
            let template = template(value, params)?;
            let fits = template.pieces().iter().all(|piece| match piece {
                Piece::Literal(text) => http::HeaderValue::from_str(text).is_ok(),
                Piece::Placeholder(_) => true,
            });
            if fits {
                Ok((name, template))
            } else {
                Err(value.wrong("a text without line breaks and control characters"))
            }
        })
        .collect()
}
