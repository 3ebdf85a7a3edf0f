//! Request bodies.

mod bounded;
mod bytes;
mod form;
mod reading;

use std::time::Duration;

use axum::extract::{FromRef, FromRequest, Request};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use reading::Bounds;

pub use bounded::{BoundedList, GivenParams};
pub use bytes::announced;
pub(crate) use bytes::{is_json_request, whole};
pub(crate) use form::{Form, Takes, form, is_form};

use crate::{Callers, ErrorCode, InFlight, Pointer, Problem, TenantInFlight};

/// The largest body of a request. A Lambda's payload is at most 6 MB with the event around the
/// body (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>); the program on
/// one machine keeps to the same limit, so that what works there works on Lambda.
pub const MAX_BODY_BYTES: usize = 5_242_880;

/// How long a JSON body may take to come.
const READ_TIME: Duration = Duration::from_secs(20);
const OF_JSON: Bounds = Bounds {
    most: MAX_BODY_BYTES,
    time: READ_TIME,
    advice: "split it over several requests",
};

/// What a request body is read into.
pub trait RequestBody: DeserializeOwned {
    /// Fields that callers mistake for fields of this body, and what to do instead.
    const MISTAKEN_FIELDS: &'static [(&'static str, &'static str)] = &[];

    /// Whether it may be a JSON array. `serde` reads a struct from the list of its fields' values
    /// too, which no caller means.
    const TAKES_ARRAY: bool = false;
}

/// A JSON request body, or the problem with it. Nothing is read for somebody who may not call, and what
/// is read is counted on its caller.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonBody<T>(pub T);

impl<T, S> FromRequest<S> for JsonBody<T>
where
    T: RequestBody,
    S: Send + Sync,
    Callers: FromRef<S>,
    InFlight: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let memory = memory_of_caller(&parts.headers, state).await?;
        check_declared_type(&parts.headers)?;
        let bytes = reading::read(&parts.headers, body, &memory, OF_JSON).await?;
        parse(&bytes).map(Self)
    }
}

/// The same where a request may have no body.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionalJsonBody<T>(pub Option<T>);

impl<T, S> FromRequest<S> for OptionalJsonBody<T>
where
    T: RequestBody,
    S: Send + Sync,
    Callers: FromRef<S>,
    InFlight: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let memory = memory_of_caller(&parts.headers, state).await?;
        let bytes = reading::read(&parts.headers, body, &memory, OF_JSON).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        check_declared_type(&parts.headers)?;
        parse(&bytes).map(Self)
    }
}

/// `null` is none.
impl<T: RequestBody> RequestBody for Option<T> {
    const MISTAKEN_FIELDS: &'static [(&'static str, &'static str)] = T::MISTAKEN_FIELDS;
    const TAKES_ARRAY: bool = T::TAKES_ARRAY;
}

/// What is read is counted on its caller, who has to be one.
async fn memory_of_caller<S>(headers: &HeaderMap, state: &S) -> Result<TenantInFlight, Problem>
where
    Callers: FromRef<S>,
    InFlight: FromRef<S>,
{
    let caller = Callers::from_ref(state).identify(headers).await?;
    Ok(InFlight::from_ref(state).of(&caller))
}

fn check_declared_type(headers: &HeaderMap) -> Result<(), Problem> {
    let wrong = |detail| Err(Problem::new(ErrorCode::UnsupportedContentType, detail));
    let Some(content_type) = text_of(headers, &CONTENT_TYPE) else {
        return wrong("the body's type is not declared; send Content-Type: application/json");
    };
    if !is_json(content_type) {
        return wrong("the body is not declared as JSON; send Content-Type: application/json");
    }
    check_not_encoded(headers)
}

fn check_not_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    match text_of(headers, &CONTENT_ENCODING) {
        Some(encoding) if !encoding.eq_ignore_ascii_case("identity") => Err(Problem::new(
            ErrorCode::UnsupportedContentType,
            "the body is compressed; send it without Content-Encoding",
        )),
        _ => Ok(()),
    }
}

/// A header as text; one that is no text says nothing.
fn text_of<'headers>(headers: &'headers HeaderMap, name: &HeaderName) -> Option<&'headers str> {
    headers.get(name).map(|value| value.to_str().unwrap_or(""))
}

/// A media type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Whether the body is declared as JSON.
pub(crate) fn is_declared_json(headers: &HeaderMap) -> bool {
    text_of(headers, &CONTENT_TYPE).is_some_and(is_json)
}

fn is_json(content_type: &str) -> bool {
    essence(content_type)
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

fn parse<T: RequestBody>(bytes: &[u8]) -> Result<T, Problem> {
    if !T::TAKES_ARRAY && bytes.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| malformed(&error))?;
        let detail = "the body is a JSON array, expected a JSON object";
        return Err(Problem::new(ErrorCode::InvalidBody, detail).at(Pointer::root()));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| misshapen::<T>(Pointer::from_path(error.path()), error.inner()))?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn misshapen<T: RequestBody>(pointer: Pointer, error: &serde_json::Error) -> Problem {
    if error.classify() != Category::Data {
        return malformed(error);
    }
    let message = without_place(error);
    // These two are noticed at the object, and not at the field.
    let field = quoted_after(&message, "missing field `")
        .or_else(|| quoted_after(&message, "duplicate field `"));
    let pointer = match field {
        Some(field) => pointer.field(field),
        None => pointer,
    };
    let advice = quoted_after(&message, "unknown field `").and_then(|field| {
        T::MISTAKEN_FIELDS
            .iter()
            .find(|(mistaken, _)| *mistaken == field)
    });
    let detail = match advice {
        Some((_, advice)) => format!("{message}; {advice}"),
        None => in_words_of_json(&message),
    };
    Problem::new(ErrorCode::InvalidBody, detail).at(pointer)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(
        ErrorCode::MalformedJson,
        format!(
            "the body is not JSON: {} at line {}, column {}",
            without_place(error),
            error.line(),
            error.column()
        ),
    )
}

fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&place) {
        Some(message) => message.to_owned(),
        None => message,
    }
}

fn quoted_after<'m>(message: &'m str, beginning: &str) -> Option<&'m str> {
    message.strip_prefix(beginning)?.split('`').next()
}

fn in_words_of_json(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((wrong, "a map")) => format!("{wrong}, expected a JSON object"),
        Some((wrong, "a sequence")) => format!("{wrong}, expected a JSON array"),
        _ => message.to_owned(),
    }
}
