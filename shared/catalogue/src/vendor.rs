//! Entries that a vendor does.

mod answers;
mod conditions;
mod input_constraints;
mod look_up;
mod payload;
mod request;
mod then;

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::{Cost, ParamsSchema};
use assetmill_vendors::{
    DEFAULT_JOB_TIMEOUT_SECONDS, DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_TIMEOUT_SECONDS, Profile,
    Resend, Secrets, Settings, Source, Step, Template, VendorOperation,
};

use super::context::{BuiltOperation, Context};
use super::entry::Entry;
use super::error::Diagnostic;
use super::masks::Masks;
use super::params;
use super::table::Table;
use super::value::Value;
use input_constraints::MAX_MAX_BYTES;
use request::{headers, method, url};

/// The fields of such an entry.
pub(super) const FIELDS: &[&str] = &["vendor", "summary", "params", "paid", "retry", "limits"];

const MAX_TIMEOUT_SECONDS: u64 = 120;
/// A day, as long as flows wait for vendors that ask for patience.
const MAX_JOB_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

/// The operation of an entry whose `vendor` this is.
pub(super) fn operation(
    entry: Entry<'_>,
    vendor: &Value<'_>,
    context: Context<'_>,
) -> Result<BuiltOperation, Diagnostic> {
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
    let secrets = Secrets::look_up(profile.secret_names(), context.secrets);
    let settings = Settings {
        name: entry.name,
        summary: entry.summary,
        params,
        retry: entry.retry,
        limits: entry.limits,
        cost: if paid { Cost::Paid } else { Cost::Free },
    };
    let client = context.client.clone();
    let extension = context.extension.cloned();
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
        Arc::new(Masks(context.codecs.clone())),
    );
    Ok(BuiltOperation {
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
    "look_up",
    "meter",
    "rate",
    "timeout_seconds",
    "job_timeout_seconds",
    "max_response_bytes",
];

fn profile(vendor: &Value<'_>, params: &ParamsSchema, paid: bool) -> Result<Profile, Diagnostic> {
    let table = vendor.table(PROFILE_FIELDS)?;
    let method = method(&table.required("method", "method = \"POST\"")?)?;
    let url = url(
        &table.required("url", "url = \"https://api.example.com/v1/do\"")?,
        params,
    )?;
    let headers = headers(table.optional("headers"), params)?;
    let (payload, input_constraints) = payload::read(&table, params, &url, &headers)?;
    let result = answers::result(&table.required("result", "result = { kind = \"body\" }")?)?;
    let seconds = match table.optional("timeout_seconds") {
        Some(seconds) => seconds.integer(1..=MAX_TIMEOUT_SECONDS)?,
        None => DEFAULT_TIMEOUT_SECONDS,
    };
    let job_seconds = match table.optional("job_timeout_seconds") {
        Some(seconds) => seconds.integer(1..=MAX_JOB_TIMEOUT_SECONDS)?,
        None => DEFAULT_JOB_TIMEOUT_SECONDS,
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
        return Err(vendor.diagnostic(format!(
            "{} uses an answer in its first request; {{answer:…}} and {{header:…}} are for \"then\"",
            vendor.path
        )));
    }
    let then = then::steps(table.optional("then"), params)?;
    if then.iter().flat_map(Step::templates).any(names_call) {
        return Err(vendor.diagnostic(format!(
            "{} names its call in \"then\"; {{call:reference}} is for the first request and \"look_up\"",
            vendor.path
        )));
    }
    let look_up = look_up::request(table.optional("look_up"), params)?;
    let tells_reference = names_call(&url)
        || headers.iter().any(|(_, template)| names_call(template))
        || payload.templates().any(names_call);
    if look_up.is_some() && !tells_reference {
        return Err(vendor.diagnostic(format!(
            "{} can't look a call up that it does not name; send {{call:reference}} along with its first request",
            vendor.path
        )));
    }
    Ok(Profile {
        then,
        ok_if: conditions::all(table.optional("ok_if"))?,
        error: answers::error(table.optional("error"))?,
        classify: answers::classify(table.optional("classify"))?,
        meter: answers::meter(table.optional("meter"))?,
        rate: answers::rate(table.optional("rate"))?,
        result: result.place,
        role: result.role,
        produces: result.produces,
        timeout: Duration::from_secs(seconds),
        job_timeout: Duration::from_secs(job_seconds),
        look_up,
        method,
        url,
        headers,
        payload,
        input_constraints,
        resend,
        max_response_bytes,
    })
}

fn names_answer(template: &Template) -> bool {
    template
        .sources()
        .any(|source| matches!(source, Source::Answer(_) | Source::Header(_)))
}

fn names_call(template: &Template) -> bool {
    template
        .sources()
        .any(|source| *source == Source::Reference)
}

/// What costs nothing may be sent again at any time.
fn resend(vendor: &Table<'_>, paid: bool) -> Result<Resend, Diagnostic> {
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

/// A parameter that goes nowhere would be accepted and change nothing.
fn check_used(declared: &Value<'_>, profile: &Profile) -> Result<(), Diagnostic> {
    let used: Vec<_> = profile.templates().flat_map(Template::params).collect();
    for (key, _) in declared.entries()? {
        if !used.contains(&key.text) {
            let name = key.text;
            return Err(key.diagnostic(format!(
                "the parameter \"{name}\" goes nowhere; use {{param:{name}}} in url, headers or \
                 fields, or remove it"
            )));
        }
    }
    Ok(())
}
