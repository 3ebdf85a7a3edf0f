//! From a profile and an asset to a request.

use assetmill_core::{Asset, FailureCode, MediaType, Setback};
use assetmill_fetch::GuardedClient;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value};

use super::answer;
use super::destination::{destination, next_destination};
use super::profile::{Field, FieldValue, Payload, Profile, Step};
use super::template::{Filling, Template};

/// Builds the request.
///
/// # Errors
/// A final setback when a parameter does not fit where the profile puts it, or the guard refuses the
/// destination.
pub(super) fn build(
    client: &GuardedClient,
    profile: &Profile,
    filling: Filling<'_>,
    asset: &Asset,
    media_type: &MediaType,
) -> Result<RequestBuilder, Setback> {
    let url = destination(&profile.url, filling)?;
    let request = client
        .request(profile.method.clone(), &url)
        .map_err(|_| answer::vendor_refused_by_guard())?
        .headers(headers(&profile.headers, filling)?);
    let content = &asset.content;
    Ok(match &profile.payload {
        Payload::None => request,
        Payload::Query(fields) => request.query(&pairs(fields, filling, content)),
        Payload::Form(fields) => request.form(&pairs(fields, filling, content)),
        Payload::Json(fields) => request.json(&object(fields, filling, content)),
        Payload::Multipart(fields) => {
            request.multipart(form(fields, filling, content, media_type)?)
        }
        Payload::Raw => raw(request, profile, content, media_type),
    })
}

/// Builds a request that follows the answer in `filling`.
///
/// # Errors
/// As [`build`]; and a final setback when it would go to another host than the first, which the keys
/// are meant for.
pub(super) fn build_next(
    client: &GuardedClient,
    profile: &Profile,
    step: &Step,
    filling: Filling<'_>,
) -> Result<RequestBuilder, Setback> {
    let url = next_destination(profile, &step.url, filling)?;
    let mut fields = headers(&profile.headers, filling)?;
    // That of the first body is not that of this one.
    fields.remove(header::CONTENT_TYPE);
    for (name, value) in &headers(&step.headers, filling)? {
        fields.insert(name, value.clone());
    }
    let request = client
        .request(step.method.clone(), &url)
        .map_err(|_| answer::vendor_refused_by_guard())?
        .headers(fields);
    Ok(if step.fields.is_empty() {
        request
    } else {
        request.json(&object(&step.fields, filling, &Bytes::new()))
    })
}

fn headers(
    declared: &[(HeaderName, Template)],
    filling: Filling<'_>,
) -> Result<HeaderMap, Setback> {
    let mut headers = HeaderMap::new();
    for (name, template) in declared {
        if let Some(text) = template.text(filling) {
            headers.append(name.clone(), header_value(name, template, &text)?);
        }
    }
    Ok(headers)
}

fn header_value(
    name: &HeaderName,
    template: &Template,
    text: &str,
) -> Result<HeaderValue, Setback> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        let message = format!(
            "what the header {name} is filled with has characters that no header can hold; take \
             line breaks and control characters out"
        );
        let code = if template.has_secret() {
            FailureCode::OperationUnavailable
        } else {
            FailureCode::VendorRejected
        };
        Setback::lasting(code, message)
    })?;
    // A sensitive value stays out of Debug output, and out of HTTP/2's compression tables.
    value.set_sensitive(template.has_secret());
    Ok(value)
}

fn pairs<'a>(fields: &'a [Field], filling: Filling<'_>, content: &Bytes) -> Vec<(&'a str, String)> {
    fields
        .iter()
        .filter_map(|field| Some((field.name.as_str(), text(&field.value, filling, content)?)))
        .collect()
}

fn text(value: &FieldValue, filling: Filling<'_>, content: &Bytes) -> Option<String> {
    match value {
        FieldValue::Constant(Value::String(text)) => Some(text.clone()),
        FieldValue::Constant(value) => Some(value.to_string()),
        FieldValue::Template(template) => template.text(filling),
        FieldValue::AssetBase64 => Some(STANDARD.encode(content)),
        FieldValue::AssetFile => None,
    }
}

fn object(fields: &[Field], filling: Filling<'_>, content: &Bytes) -> Map<String, Value> {
    let mut object = Map::new();
    for field in fields {
        let value = match &field.value {
            FieldValue::Constant(value) => Some(value.clone()),
            FieldValue::Template(template) => template.json(filling),
            FieldValue::AssetBase64 | FieldValue::AssetFile => {
                text(&field.value, filling, content).map(Value::from)
            }
        };
        if let Some(value) = value {
            put(&mut object, &field.name, value);
        }
    }
    object
}

/// Puts a value at a dotted path. The catalogue sees to it that no path leads through a value.
fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            object.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let inner = object
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

fn form(
    fields: &[Field],
    filling: Filling<'_>,
    content: &Bytes,
    media_type: &MediaType,
) -> Result<Form, Setback> {
    let mut form = Form::new();
    for field in fields {
        if matches!(field.value, FieldValue::AssetFile) {
            form = form.part(field.name.clone(), file(content, media_type)?);
        } else if let Some(text) = text(&field.value, filling, content) {
            form = form.text(field.name.clone(), text);
        }
    }
    Ok(form)
}

/// The asset as a part. Its name tells the vendor nothing of its source; the ending is that of the
/// content, which some vendors go by.
fn file(content: &Bytes, media_type: &MediaType) -> Result<Part, Setback> {
    Part::stream_with_length(content.clone(), content.len() as u64)
        .file_name(format!("asset.{}", media_type.extension()))
        .mime_str(media_type.as_str())
        .map_err(|_| {
            let message = format!("{media_type} can't be sent as a file");
            Setback::lasting(FailureCode::UnsupportedMediaType, message)
        })
}

fn raw(
    request: RequestBuilder,
    profile: &Profile,
    content: &Bytes,
    media_type: &MediaType,
) -> RequestBuilder {
    let declared = |(name, _): &(HeaderName, Template)| name == header::CONTENT_TYPE;
    let request = request.body(content.clone());
    if profile.headers.iter().any(declared) {
        request
    } else {
        request.header(header::CONTENT_TYPE, media_type.as_str())
    }
}
