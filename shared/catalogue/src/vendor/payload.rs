//! How a vendor wants fields and the asset.

use assetmill_core::ParamsSchema;
use assetmill_vendors::{Field, FieldValue, InputConstraints, Payload, Source, Template};
use http::HeaderName;
use serde_json::Value as Json;

use super::super::error::Diagnostic;
use super::super::table::Table;
use super::super::value::Value;
use super::input_constraints::input_constraints;
use super::request::template;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    None,
    Query,
    Form,
    Json,
    Multipart,
    Raw,
}

#[derive(Clone, Copy)]
enum Shape {
    Url,
    File,
    Base64,
}

const ENCODINGS: &[(&str, Encoding)] = &[
    ("none", Encoding::None),
    ("query", Encoding::Query),
    ("form", Encoding::Form),
    ("json", Encoding::Json),
    ("multipart", Encoding::Multipart),
    ("raw", Encoding::Raw),
];

const SHAPES: &[(&str, Shape)] = &[
    ("url", Shape::Url),
    ("file", Shape::File),
    ("base64", Shape::Base64),
];

/// What a request carries, and which assets, by `encoding`, `fields` and `asset` of a vendor's table.
pub(super) fn read(
    vendor: &Table<'_>,
    params: &ParamsSchema,
    url: &Template,
    headers: &[(HeaderName, Template)],
) -> Result<(Payload, InputConstraints), Diagnostic> {
    let encoding_value = vendor.required("encoding", "encoding = \"multipart\"")?;
    let encoding = encoding_value.choice(ENCODINGS)?;
    let asset_value = vendor.required("asset", "asset = { as = \"file\", field = \"image\" }")?;
    let asset = asset_value.table(&["as", "field", "accepts", "max_bytes"])?;

    let mut fields = match vendor.optional("fields") {
        Some(value) if matches!(encoding, Encoding::None | Encoding::Raw) => {
            let name = encoding_value.text()?;
            return Err(value.diagnostic(format!(
                "encoding \"{name}\" carries no fields; put them into the url or the headers, or \
                 use another encoding"
            )));
        }
        Some(value) => fields(&value, params, encoding)?,
        None => Vec::new(),
    };
    let is_url = |template: &Template| template.sources().any(|source| *source == Source::AssetUrl);
    let names_url = is_url(url)
        || headers.iter().any(|(_, template)| is_url(template))
        || fields.iter().any(|field| match &field.value {
            FieldValue::Template(template) => is_url(template),
            _ => false,
        });
    if let Some(field) = placed(&asset, encoding, names_url)? {
        if let Some(taken) = conflict(&fields, &field.name, encoding) {
            let message =
                format!("asset and fields both fill \"{taken}\"; take it out of one of them");
            return Err(asset_value.diagnostic(message));
        }
        fields.push(field);
    }
    let payload = match encoding {
        Encoding::None => Payload::None,
        Encoding::Query => Payload::Query(fields),
        Encoding::Form => Payload::Form(fields),
        Encoding::Json => Payload::Json(fields),
        Encoding::Multipart => Payload::Multipart(fields),
        Encoding::Raw => Payload::Raw,
    };
    let input_constraints =
        input_constraints(asset.optional("accepts"), asset.optional("max_bytes"))?;
    Ok((payload, input_constraints))
}

/// The field that the asset goes into; `None` where it goes elsewhere.
fn placed(
    asset: &Table<'_>,
    encoding: Encoding,
    names_url: bool,
) -> Result<Option<Field>, Diagnostic> {
    use Encoding::{Form, Json, Multipart, None as Nothing, Query, Raw};
    let shape_value = asset.required("as", "as = \"file\"")?;
    let shape = shape_value.choice(SHAPES)?;
    let misfit = |message: &str| Err(shape_value.diagnostic(message));
    let value = match (shape, encoding) {
        (Shape::File, Multipart) => FieldValue::AssetFile,
        (Shape::File, Raw) => return no_field(asset, "the body is the asset"),
        (Shape::File, _) => {
            return misfit("a file needs encoding \"multipart\" or \"raw\"; change one of them");
        }
        (Shape::Base64, Form | Json | Multipart) => FieldValue::AssetBase64,
        (Shape::Base64, _) => {
            return misfit(
                "base64 needs encoding \"json\", \"form\" or \"multipart\"; change one of them",
            );
        }
        (Shape::Url, Raw) => {
            return misfit("encoding \"raw\" sends the asset itself; make as \"file\"");
        }
        (Shape::Url, Nothing) if names_url => {
            return no_field(asset, "encoding \"none\" has no fields");
        }
        (Shape::Url, Nothing) => {
            return misfit(
                "the asset goes nowhere; use {asset:url} in url or headers, or another encoding",
            );
        }
        (Shape::Url, _) if names_url && asset.optional("field").is_none() => return Ok(None),
        (Shape::Url, Query | Form | Json | Multipart) => {
            FieldValue::Template(Template::asset_url())
        }
    };
    let name = asset.required("field", "field = \"image\", the field that it goes into")?;
    Ok(Some(Field {
        name: name.sentence()?,
        value,
    }))
}

fn no_field(asset: &Table<'_>, because: &str) -> Result<Option<Field>, Diagnostic> {
    match asset.optional("field") {
        None => Ok(None),
        Some(field) => Err(field.diagnostic(format!(
            "{} has no meaning, since {because}; leave it out",
            field.path
        ))),
    }
}

fn fields(
    value: &Value<'_>,
    params: &ParamsSchema,
    encoding: Encoding,
) -> Result<Vec<Field>, Diagnostic> {
    let mut fields = Vec::new();
    collect(value, "", params, encoding, &mut fields)?;
    Ok(fields)
}

/// The fields of a JSON body that carries no asset.
pub(super) fn json_fields(
    value: Option<Value<'_>>,
    params: &ParamsSchema,
) -> Result<Vec<Field>, Diagnostic> {
    value.map_or_else(
        || Ok(Vec::new()),
        |value| fields(&value, params, Encoding::Json),
    )
}

/// A dotted path may be written as one (`"input.image" = …`) or as tables (`input.image = …`).
fn collect(
    value: &Value<'_>,
    prefix: &str,
    params: &ParamsSchema,
    encoding: Encoding,
    fields: &mut Vec<Field>,
) -> Result<(), Diagnostic> {
    for (key, value) in value.entries()? {
        let name = format!("{prefix}{}", key.text);
        if value.is_table() {
            collect(&value, &format!("{name}."), params, encoding, fields)?;
            continue;
        }
        if name.split('.').any(str::is_empty) {
            return Err(key.diagnostic(format!(
                "{} can't name a field; use a name, or a path such as \"input.image\"",
                key.shown()
            )));
        }
        if let Some(taken) = conflict(fields, &name, encoding) {
            return Err(key.diagnostic(format!(
                "the fields \"{taken}\" and \"{name}\" exclude each other; remove one of them"
            )));
        }
        let value = field_value(&value, params)?;
        fields.push(Field { name, value });
    }
    Ok(())
}

fn field_value(value: &Value<'_>, params: &ParamsSchema) -> Result<FieldValue, Diagnostic> {
    match value.scalar() {
        Some(Json::String(_)) => Ok(FieldValue::Template(template(value, params)?)),
        Some(constant) => Ok(FieldValue::Constant(constant)),
        None => Err(value.wrong("a text, a number, true or false")),
    }
}

/// The field that can't be there together with one of this name.
fn conflict<'f>(fields: &'f [Field], name: &str, encoding: Encoding) -> Option<&'f str> {
    let leads_through = |outer: &str, inner: &str| {
        let rest = inner.strip_prefix(outer);
        encoding == Encoding::Json && rest.is_some_and(|rest| rest.starts_with('.'))
    };
    fields
        .iter()
        .map(|field| field.name.as_str())
        .find(|taken| *taken == name || leads_through(taken, name) || leads_through(name, taken))
}
