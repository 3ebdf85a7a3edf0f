//! Entries that a vendor does.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::{Cost, MediaType, Operation, ParamsSchema};
use http::{HeaderName, Method};
use url::Url;

use super::entry::Entry;
use super::error::{Mistake, suggestion};
use super::value::Value;
use super::{Surroundings, params, payload};
use crate::vendor::{
    DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_TIMEOUT_SECONDS, ErrorPlace, Intake, JsonPointer, Piece,
    Profile, ResultPlace, Secrets, Settings, Template, VendorOperation,
};

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
) -> Result<Arc<dyn Operation>, Mistake> {
    let declared = entry.table.optional("params");
    let params = params::declared(declared.clone())?;
    let profile = profile(vendor, &params)?;
    if let Some(declared) = declared {
        check_used(&declared, &profile)?;
    }
    let paid = match entry.table.optional("paid") {
        Some(paid) => paid.boolean()?,
        None => true,
    };
    let secrets = Secrets::look_up(profile.secret_names(), surroundings.secrets);
    let settings = Settings {
        name: entry.name,
        summary: entry.summary,
        params,
        retry: entry.retry,
        cost: if paid { Cost::Paid } else { Cost::Free },
    };
    let client = surroundings.client.clone();
    Ok(Arc::new(VendorOperation::new(
        settings, profile, secrets, client,
    )))
}

fn profile(vendor: &Value<'_>, params: &ParamsSchema) -> Result<Profile, Mistake> {
    let table = vendor.table(&[
        "method",
        "url",
        "headers",
        "encoding",
        "fields",
        "asset",
        "result",
        "error",
        "timeout_seconds",
        "max_response_bytes",
    ])?;
    let method = method(&table.required("method", "method = \"POST\"")?)?;
    let url = url(
        &table.required("url", "url = \"https://api.example.com/v1/do\"")?,
        params,
    )?;
    let headers = headers(table.optional("headers"), params)?;
    let (payload, intake) = payload::read(&table, params, url.pieces(), &headers)?;
    let (result, produces) = result(&table.required("result", "result = { kind = \"body\" }")?)?;
    let seconds = match table.optional("timeout_seconds") {
        Some(seconds) => seconds.integer(1..=MAX_TIMEOUT_SECONDS)?,
        None => DEFAULT_TIMEOUT_SECONDS,
    };
    let max_response_bytes = match table.optional("max_response_bytes") {
        Some(bytes) => bytes.integer(1..=MAX_MAX_BYTES)?,
        None => DEFAULT_MAX_RESPONSE_BYTES,
    };
    Ok(Profile {
        method,
        url,
        headers,
        payload,
        intake,
        result,
        produces,
        error: error(table.optional("error"))?,
        timeout: Duration::from_secs(seconds),
        max_response_bytes,
    })
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

/// A template whose parameters are declared.
pub(super) fn template(value: &Value<'_>, params: &ParamsSchema) -> Result<Template, Mistake> {
    let template = Template::parse(value.text()?)
        .map_err(|error| value.mistake(format!("{} {error}", value.path)))?;
    for piece in template.pieces() {
        let Piece::Param(name) = piece else { continue };
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
    let template = template(value, params)?;
    check_base(value, &template)?;
    for piece in template.pieces() {
        let Piece::Param(name) = piece else { continue };
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
    Ok(template)
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
                _ => true,
            });
            if fits {
                Ok((name, template))
            } else {
                Err(value.wrong("a text without line breaks and control characters"))
            }
        })
        .collect()
}

fn result(value: &Value<'_>) -> Result<(ResultPlace, Vec<MediaType>), Mistake> {
    #[derive(Clone, Copy)]
    enum Kind {
        Body,
        Url,
        Base64,
    }
    let table = value.table(&["kind", "at", "produces"])?;
    let kind = table.required("kind", "kind = \"body\"")?.choice(&[
        ("body", Kind::Body),
        ("url", Kind::Url),
        ("base64", Kind::Base64),
    ])?;
    let at = || pointer(&table.required("at", "at = \"/data/0/url\"")?);
    let place = match kind {
        Kind::Url => ResultPlace::Url(at()?),
        Kind::Base64 => ResultPlace::Base64(at()?),
        Kind::Body => match table.optional("at") {
            None => ResultPlace::Body,
            Some(at) => {
                return Err(at.mistake(format!(
                    "{} has no meaning where the body is the result; leave it out, or make kind \
                     \"url\" or \"base64\"",
                    at.path
                )));
            }
        },
    };
    Ok((place, media_types(table.optional("produces"))?))
}

fn error(value: Option<Value<'_>>) -> Result<ErrorPlace, Mistake> {
    let Some(value) = value else {
        return Ok(ErrorPlace::default());
    };
    let table = value.table(&["message", "code"])?;
    let at = |name| table.optional(name).map(|at| pointer(&at)).transpose();
    Ok(ErrorPlace {
        message: at("message")?,
        code: at("code")?,
    })
}

fn pointer(value: &Value<'_>) -> Result<JsonPointer, Mistake> {
    value.parsed("a JSON pointer, such as \"/errors/0/title\"")
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
    let used: Vec<_> = profile
        .templates()
        .flat_map(Template::pieces)
        .filter_map(|piece| match piece {
            Piece::Param(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
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
