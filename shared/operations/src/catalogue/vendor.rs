//! Entries that a vendor does.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::{Cost, MediaType, ParamsSchema};
use http::{HeaderName, Method};
use url::Url;

use super::entry::Entry;
use super::error::{Mistake, suggestion};
use super::table::Table;
use super::value::Value;
use super::{Made, Surroundings, params, payload};
use crate::vendor::{
    DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_TIMEOUT_SECONDS, Intake, Piece, Profile, Resend, Secrets,
    Settings, Source, Template, VendorOperation,
};

mod answers;
mod conditions;
mod then;

/// The fields of such an entry.
pub(super) const FIELDS: &[&str] = &["vendor", "summary", "params", "paid", "retry"];

/// An answer is held in memory.
const MAX_MAX_BYTES: u64 = 1024 * 1024 * 1024;
const MAX_TIMEOUT_SECONDS: u64 = 120;

/// The operation of an entry whose `vendor` this is.
pub(super) fn operation(
    entry: Entry<'_>,
    vendor: &Value<'_>,
    surroundings: Surroundings<'_>,
) -> Result<Made, Mistake> {
    let declared = entry.table.optional("params");
    let params = params::declared(declared.clone())?;
    let paid = match entry.table.optional("paid") {
        Some(paid) => paid.boolean()?,
        None => true,
    };
    let profile = profile(vendor, &params, paid)?;
    if let Some(declared) = declared {
        check_used(&declared, &profile)?;
    }
    let secrets = Secrets::look_up(profile.secret_names(), surroundings.secrets);
    let settings = Settings {
        name: entry.name,
        summary: entry.summary,
        params,
        retry: entry.retry,
        cost: if paid { Cost::Paid } else { Cost::Free },
    };
    let client = surroundings.client.clone();
    let extension = surroundings.extension.cloned();
    let takes_url = profile
        .templates()
        .flat_map(Template::sources)
        .any(|source| *source == Source::AssetUrl);
    let operation = VendorOperation::new(
        settings,
        profile,
        secrets,
        extension,
        client,
        surroundings.codecs.clone(),
    );
    Ok(Made {
        operation: Arc::new(operation),
        takes_url,
    })
}

const PROFILE_FIELDS: &[&str] = &[
    "method",
    "url",
    "headers",
    "encoding",
    "fields",
    "asset",
    "then",
    "ok_if",
    "result",
    "error",
    "classify",
    "resend",
    "meter",
    "rate",
    "timeout_seconds",
    "max_response_bytes",
];

fn profile(vendor: &Value<'_>, params: &ParamsSchema, paid: bool) -> Result<Profile, Mistake> {
    let table = vendor.table(PROFILE_FIELDS)?;
    let method = method(&table.required("method", "method = \"POST\"")?)?;
    let url = url(
        &table.required("url", "url = \"https://api.example.com/v1/do\"")?,
        params,
    )?;
    let headers = headers(table.optional("headers"), params)?;
    let (payload, intake) = payload::read(&table, params, &url, &headers)?;
    let result = answers::result(&table.required("result", "result = { kind = \"body\" }")?)?;
    let seconds = match table.optional("timeout_seconds") {
        Some(seconds) => seconds.integer(1..=MAX_TIMEOUT_SECONDS)?,
        None => DEFAULT_TIMEOUT_SECONDS,
    };
    let max_response_bytes = match table.optional("max_response_bytes") {
        Some(bytes) => bytes.integer(1..=MAX_MAX_BYTES)?,
        None => DEFAULT_MAX_RESPONSE_BYTES,
    };
    let resend = resend(&table, paid)?;
    let from_answers = names_answer(&url)
        || headers.iter().any(|(_, template)| names_answer(template))
        || payload.templates().any(names_answer);
    if from_answers {
        return Err(vendor.mistake(format!(
            "{} uses an answer in its first request; {{answer:…}} and {{header:…}} are for \"then\"",
            vendor.path
        )));
    }
    Ok(Profile {
        then: then::steps(table.optional("then"), params)?,
        ok_if: conditions::all(table.optional("ok_if"))?,
        error: answers::error(table.optional("error"))?,
        classify: answers::classify(table.optional("classify"))?,
        meter: answers::meter(table.optional("meter"))?,
        rate: answers::rate(table.optional("rate"))?,
        result: result.place,
        role: result.role,
        produces: result.produces,
        timeout: Duration::from_secs(seconds),
        method,
        url,
        headers,
        payload,
        intake,
        resend,
        max_response_bytes,
    })
}

fn names_answer(template: &Template) -> bool {
    template
        .sources()
        .any(|source| matches!(source, Source::Answer(_) | Source::Header(_)))
}

/// What costs nothing may be sent again at any time.
fn resend(vendor: &Table<'_>, paid: bool) -> Result<Resend, Mistake> {
    match vendor.optional("resend") {
        Some(resend) => resend.choice(&[
            ("never", Resend::Never),
            ("rejected_only", Resend::RejectedOnly),
            ("always", Resend::Always),
        ]),
        None if paid => Ok(Resend::RejectedOnly),
        None => Ok(Resend::Always),
    }
}

fn method(value: &Value<'_>) -> Result<Method, Mistake> {
    value.choice(&[
        ("GET", "GET"),
        ("POST", "POST"),
        ("PUT", "PUT"),
        ("PATCH", "PATCH"),
    ])?;
    value.parsed("a method, such as \"POST\"")
}

/// A template whose parameters are declared, and that signs no URL, being none.
pub(super) fn template(value: &Value<'_>, params: &ParamsSchema) -> Result<Template, Mistake> {
    let template = url_template(value, params)?;
    let signs = |source: &Source| matches!(source, Source::Imgproxy { .. });
    if template.sources().any(signs) {
        return Err(value.mistake(format!(
            "{} is no URL to be signed; {{imgproxy:…}} is for \"url\"",
            value.path
        )));
    }
    Ok(template)
}

/// A template whose parameters are declared.
fn url_template(value: &Value<'_>, params: &ParamsSchema) -> Result<Template, Mistake> {
    let template = Template::parse(value.text()?)
        .map_err(|error| value.mistake(format!("{} {error}", value.path)))?;
    for name in template.params() {
        if !params.0.contains_key(name) {
            let known = params.0.keys().map(String::as_str);
            let hint = match suggestion(name, known, "declared are") {
                hint if hint.is_empty() => format!("; declare it in a table params.{name}"),
                hint => hint,
            };
            let path = &value.path;
            return Err(value.mistake(format!(
                "{path} uses the unknown parameter \"{name}\"{hint}"
            )));
        }
    }
    Ok(template)
}

fn url(value: &Value<'_>, params: &ParamsSchema) -> Result<Template, Mistake> {
    let template = url_template(value, params)?;
    check_base(value, &template)?;
    check_no_gap(value, &template, params)?;
    Ok(template)
}

/// A URL has no place for what may be absent.
fn check_no_gap(
    value: &Value<'_>,
    template: &Template,
    params: &ParamsSchema,
) -> Result<(), Mistake> {
    for name in template.params() {
        if params
            .0
            .get(name)
            .is_some_and(|spec| spec.default.is_none())
        {
            return Err(value.mistake(format!(
                "{} needs the parameter \"{name}\", which may be absent; give it a default",
                value.path
            )));
        }
    }
    Ok(())
}

/// A placeholder in the host could send the key to another host than the catalogue says.
fn check_base(value: &Value<'_>, template: &Template) -> Result<(), Mistake> {
    let expected = "an http or https URL, such as \"https://api.example.com/v1/do\"";
    let (beginning, goes_on) = match template.pieces() {
        [] => return Err(value.wrong(expected)),
        [Piece::Literal(text), rest @ ..] => (text.as_str(), !rest.is_empty()),
        _ => ("://", true),
    };
    let unfinished = |(_, host): (&str, &str)| goes_on && !host.contains('/');
    if beginning.split_once("://").is_some_and(unfinished) {
        return Err(value.mistake(format!(
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
    Err(value.mistake(format!(
        "{} has a user name or password in it; send it in a header, as {{env:NAME}}",
        value.path
    )))
}

fn headers(
    value: Option<Value<'_>>,
    params: &ParamsSchema,
) -> Result<Vec<(HeaderName, Template)>, Mistake> {
    let entries = value.map_or_else(|| Ok(Vec::new()), |value| value.entries())?;
    entries
        .iter()
        .map(|(key, value)| {
            let name: HeaderName = key.text.parse().map_err(|_| {
                let name = key.shown();
                key.mistake(format!(
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

/// What assets the vendor takes, by the fields of `asset`.
pub(super) fn intake(
    accepts: Option<Value<'_>>,
    max_bytes: Option<Value<'_>>,
) -> Result<Intake, Mistake> {
    let max_bytes = max_bytes.map(|bytes| bytes.integer(1..=MAX_MAX_BYTES));
    Ok(Intake {
        accepts: media_types(accepts)?,
        max_bytes: max_bytes.transpose()?,
    })
}

fn media_types(value: Option<Value<'_>>) -> Result<Vec<MediaType>, Mistake> {
    let items = value.map_or_else(|| Ok(Vec::new()), |value| value.list())?;
    items
        .iter()
        .map(|item| item.parsed("a media type, such as \"image/png\""))
        .collect()
}

/// A parameter that goes nowhere would be accepted and change nothing.
fn check_used(declared: &Value<'_>, profile: &Profile) -> Result<(), Mistake> {
    let used: Vec<_> = profile.templates().flat_map(Template::params).collect();
    for (key, _) in declared.entries()? {
        if !used.contains(&key.text) {
            let name = key.text;
            return Err(key.mistake(format!(
                "the parameter \"{name}\" goes nowhere; use {{param:{name}}} in url, headers or \
                 fields, or remove it"
            )));
        }
    }
    Ok(())
}
