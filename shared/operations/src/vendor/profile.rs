//! What the catalogue declares of a vendor.

use std::time::Duration;

use assetmill_core::{MediaType, Sha256Digest};
use http::{HeaderName, Method};
use serde::Serialize;
use serde_json::{Value, json};

use super::pointer::JsonPointer;
use super::template::{Piece, Template};

/// The time that a call may take when the profile does not say.
pub(crate) const DEFAULT_TIMEOUT_SECONDS: u64 = 60;
/// The largest answer that is taken when the profile does not say.
pub(crate) const DEFAULT_MAX_RESPONSE_BYTES: u64 = 50 * 1024 * 1024;

/// A vendor's HTTP interface, as far as one operation needs it.
#[derive(Debug)]
pub(crate) struct Profile {
    /// The method of the request.
    pub(crate) method: Method,
    /// Where it goes. Scheme, host and port hold no placeholder.
    pub(crate) url: Template,
    /// Its headers; one whose parameter is absent is left out.
    pub(crate) headers: Vec<(HeaderName, Template)>,
    /// Its body or query.
    pub(crate) payload: Payload,
    /// Which assets the vendor takes.
    pub(crate) intake: Intake,
    /// Where the product is.
    pub(crate) result: ResultPlace,
    /// The media types that it may be of; empty means any.
    pub(crate) produces: Vec<MediaType>,
    /// Where the vendor says what went wrong.
    pub(crate) error: ErrorPlace,
    /// The time that everything may take, the fetch of the result included.
    pub(crate) timeout: Duration,
    /// The most bytes of an answer, and of a result that is fetched.
    pub(crate) max_response_bytes: u64,
}

/// Which assets a vendor takes.
#[derive(Debug)]
pub(crate) struct Intake {
    /// Their media types; empty means any.
    pub(crate) accepts: Vec<MediaType>,
    /// The most bytes of one.
    pub(crate) max_bytes: Option<u64>,
}

/// What a request carries besides its headers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Payload {
    /// Nothing.
    None,
    /// Fields in the query of the URL.
    Query(Vec<Field>),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<Field>),
    /// A JSON object; the names are dotted paths.
    Json(Vec<Field>),
    /// `multipart/form-data` (RFC 7578).
    Multipart(Vec<Field>),
    /// The asset's bytes.
    Raw,
}

/// A named part of a payload.
#[derive(Debug, Serialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: FieldValue,
}

/// What a field holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldValue {
    /// A number, a truth value: always the same.
    Constant(Value),
    /// A text with placeholders; the field is left out when its parameter is absent.
    Template(Template),
    /// The asset in base64 (RFC 4648, section 4).
    AssetBase64,
    /// The asset as a file; in [`Payload::Multipart`] alone.
    AssetFile,
}

/// Where the product is in the vendor's answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResultPlace {
    /// The answer is the product.
    Body,
    /// The answer is JSON with a URL of the product.
    Url(JsonPointer),
    /// The answer is JSON with the product in base64.
    Base64(JsonPointer),
}

/// Where an answer says what went wrong.
#[derive(Debug, Default)]
pub(crate) struct ErrorPlace {
    /// In words.
    pub(crate) message: Option<JsonPointer>,
    /// For programs.
    pub(crate) code: Option<JsonPointer>,
}

impl Profile {
    /// A digest of all that decides what the product is. Secrets go in by name.
    pub(crate) fn fingerprint(&self) -> String {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, template)| (name.as_str(), template))
            .collect();
        let definition = json!({
            "version": 1,
            "method": self.method.as_str(),
            "url": self.url,
            "headers": headers,
            "payload": self.payload,
            "result": self.result,
            "produces": self.produces,
        });
        Sha256Digest::of(definition.to_string().as_bytes()).to_string()
    }

    /// Every template of the request.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let in_fields = self
            .payload
            .fields()
            .iter()
            .filter_map(|field| match &field.value {
                FieldValue::Template(template) => Some(template),
                _ => None,
            });
        std::iter::once(&self.url)
            .chain(self.headers.iter().map(|(_, template)| template))
            .chain(in_fields)
    }

    /// The names of the secrets that the request needs.
    pub(crate) fn secret_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .templates()
            .flat_map(Template::pieces)
            .filter_map(|piece| match piece {
                Piece::Secret(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Payload {
    /// Its fields; none where it has no fields.
    pub(crate) fn fields(&self) -> &[Field] {
        match self {
            Self::None | Self::Raw => &[],
            Self::Query(fields)
            | Self::Form(fields)
            | Self::Json(fields)
            | Self::Multipart(fields) => fields,
        }
    }
}
