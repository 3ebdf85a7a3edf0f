//! From a profile and an asset to a request.

use assetmill_core::{Asset, FailureCode, MediaType, OperationError};
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
use super::template::{RenderContext, Template};

/// Builds the request.
///
/// # Errors
/// A permanent error when a parameter does not fit where the profile puts it, or the guard refuses the
/// destination.
pub(super) fn build(
    client: &GuardedClient,
    profile: &Profile,
    render: RenderContext<'_>,
    asset: &Asset,
    media_type: &MediaType,
) -> Result<RequestBuilder, OperationError> {
    let url = destination(&profile.url, render)?;
    let request = client
        .request(profile.method.clone(), &url)
        .map_err(|_| answer::vendor_refused_by_guard())?
        .headers(headers(&profile.headers, render)?);
    let content = &asset.content;
    Ok(match &profile.payload {
        Payload::None => request,
        Payload::Query(fields) => request.query(&pairs(fields, render, content)),
        Payload::Form(fields) => request.form(&pairs(fields, render, content)),
        Payload::Json(fields) => request.json(&object(fields, render, content)),
        Payload::Multipart(fields) => request.multipart(form(fields, render, content, media_type)?),
        Payload::Raw => raw(request, profile, content, media_type),
    })
}

/// Builds a request that follows the answer in `render`.
///
/// # Errors
/// As [`build`]; and a permanent error when it would go to another host than the first, which the keys
/// are meant for.
pub(super) fn build_next(
    client: &GuardedClient,
    profile: &Profile,
    step: &Step,
    render: RenderContext<'_>,
) -> Result<RequestBuilder, OperationError> {
    let url = next_destination(profile, &step.url, render)?;
    let mut fields = headers(&profile.headers, render)?;
    // That of the first body is not that of this one.
    fields.remove(header::CONTENT_TYPE);
    for (name, value) in &headers(&step.headers, render)? {
        fields.insert(name, value.clone());
    }
    let request = client
        .request(step.method.clone(), &url)
        .map_err(|_| answer::vendor_refused_by_guard())?
        .headers(fields);
    Ok(if step.fields.is_empty() {
        request
    } else {
        request.json(&object(&step.fields, render, &Bytes::new()))
    })
}

fn headers(
    declared: &[(HeaderName, Template)],
    render: RenderContext<'_>,
) -> Result<HeaderMap, OperationError> {
    let mut headers = HeaderMap::new();
    for (name, template) in declared {
        if let Some(text) = template.text(render) {
            headers.append(name.clone(), header_value(name, template, &text)?);
        }
    }
    Ok(headers)
}

fn header_value(
    name: &HeaderName,
    template: &Template,
    text: &str,
) -> Result<HeaderValue, OperationError> {
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
        OperationError::permanent(code, message)
    })?;
    // A sensitive value stays out of Debug output, and out of HTTP/2's compression tables.
    value.set_sensitive(template.has_secret());
    Ok(value)
}

fn pairs<'a>(
    fields: &'a [Field],
    render: RenderContext<'_>,
    content: &Bytes,
) -> Vec<(&'a str, String)> {
    fields
        .iter()
        .filter_map(|field| Some((field.name.as_str(), text(&field.value, render, content)?)))
        .collect()
}

fn text(value: &FieldValue, render: RenderContext<'_>, content: &Bytes) -> Option<String> {
    match value {
        FieldValue::Constant(Value::String(text)) => Some(text.clone()),
        FieldValue::Constant(value) => Some(value.to_string()),
        FieldValue::Template(template) => template.text(render),
        FieldValue::AssetBase64 => Some(STANDARD.encode(content)),
        FieldValue::AssetFile => None,
    }
}

fn object(fields: &[Field], render: RenderContext<'_>, content: &Bytes) -> Map<String, Value> {
    let mut object = Map::new();
    for field in fields {
        let value = match &field.value {
            FieldValue::Constant(value) => Some(value.clone()),
            FieldValue::Template(template) => template.json(render),
            FieldValue::AssetBase64 | FieldValue::AssetFile => {
                text(&field.value, render, content).map(Value::from)
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
    render: RenderContext<'_>,
    content: &Bytes,
    media_type: &MediaType,
) -> Result<Form, OperationError> {
    let mut form = Form::new();
    for field in fields {
        if matches!(field.value, FieldValue::AssetFile) {
            form = form.part(field.name.clone(), file(content, media_type)?);
        } else if let Some(text) = text(&field.value, render, content) {
            form = form.text(field.name.clone(), text);
        }
    }
    Ok(form)
}

/// The asset as a part. Its name tells the vendor nothing of its source; the ending is that of the
/// content, which some vendors go by.
fn file(content: &Bytes, media_type: &MediaType) -> Result<Part, OperationError> {
    Part::stream_with_length(content.clone(), content.len() as u64)
        .file_name(format!("asset.{}", media_type.extension()))
        .mime_str(media_type.as_str())
        .map_err(|_| {
            let message = format!("{media_type} can't be sent as a file");
            OperationError::permanent(FailureCode::UnsupportedMediaType, message)
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
