//! What the catalogue declares of a vendor.

use std::time::Duration;

use assetmill_core::{MediaType, Sha256Digest};
use http::{HeaderName, Method};
use serde::Serialize;
use serde_json::{Value, json};

use super::classify::Classification;
use super::condition::Condition;
use super::place::Place;
use super::pointer::JsonPointer;
use super::secrets::SecretName;
use super::template::{RenderContext, Template};

/// The time that a job may take when the profile does not say.
pub const DEFAULT_JOB_TIMEOUT_SECONDS: u64 = 15 * 60;
/// The time that a request may take when the profile does not say.
pub const DEFAULT_TIMEOUT_SECONDS: u64 = 60;
/// The largest answer that is taken when the profile does not say.
pub const DEFAULT_MAX_RESPONSE_BYTES: u64 = 50 * 1024 * 1024;

/// A vendor's HTTP interface, as far as one operation needs it.
#[derive(Debug)]
pub struct Profile {
    /// The method of the request.
    pub method: Method,
    /// Where it goes. Scheme, host and port hold no placeholder.
    pub url: Template,
    /// Its headers; one whose parameter is absent is left out.
    pub headers: Vec<(HeaderName, Template)>,
    /// Its body or query.
    pub payload: Payload,
    /// Which assets the vendor takes.
    pub input_constraints: InputConstraints,
    /// What an answer must be, besides a success of HTTP, to be one.
    pub ok_if: Vec<Condition>,
    /// The requests that follow the first, in order.
    pub then: Vec<Step>,
    /// Where the product is in the last answer.
    pub result: ResultPlace,
    /// What the result is to the asset.
    pub role: ResultRole,
    /// The media types that it may be of; empty means any.
    pub produces: Vec<MediaType>,
    /// Where the vendor says what went wrong.
    pub error: ErrorPlace,
    /// What refusals mean that HTTP does not tell.
    pub classify: Classification,
    /// When the first request may be sent again.
    pub resend: Resend,
    /// How the vendor is asked what became of a first request.
    pub look_up: Option<LookUpRequest>,
    /// Where the vendor reports what a call cost.
    pub meter: Meter,
    /// Where it reports its limits.
    pub rate: Rate,
    /// The time that one request may take, and the fetch of the result.
    pub timeout: Duration,
    /// The time that what the vendor took on may take, from its first answer on.
    pub job_timeout: Duration,
    /// The most bytes of an answer, and of a result that is fetched.
    pub max_response_bytes: u64,
}

/// Which assets a vendor takes.
#[derive(Debug)]
pub struct InputConstraints {
    /// Their media types; empty means any.
    pub accepts: Vec<MediaType>,
    /// The most bytes of one.
    pub max_bytes: Option<u64>,
}

/// What a request carries besides its headers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
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
pub struct Field {
    /// What it is called: a name, or a dotted path into a JSON object.
    pub name: String,
    /// What it holds.
    pub value: FieldValue,
}

/// What a field holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldValue {
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
pub enum ResultPlace {
    /// The answer is the product.
    Body,
    /// The answer is JSON with a URL of the product.
    Url(JsonPointer),
    /// The answer is JSON with the product in base64.
    Base64(JsonPointer),
}

/// What a result is to the asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultRole {
    /// It is the product.
    Product,
    /// It is a picture whose brightness says how opaque the asset is to be; the product is a PNG.
    Mask,
}

/// A request that follows an answer. It goes to the host of the first, with the headers of the first
/// and its own.
#[derive(Debug, Serialize)]
pub struct Step {
    /// The method of the request.
    #[serde(serialize_with = "as_text")]
    pub method: Method,
    /// Where it goes: a template that may refer to the answer before.
    pub url: Template,
    /// Its own headers.
    #[serde(skip)]
    pub headers: Vec<(HeaderName, Template)>,
    /// The fields of its JSON body; without any, it has no body.
    pub fields: Vec<Field>,
    /// What its answer must be for the next step; it is repeated until then. Without one, it is sent
    /// once.
    #[serde(skip)]
    pub until: Option<Condition>,
    /// What its answer is when the vendor has failed.
    #[serde(skip)]
    pub fail: Option<Condition>,
    /// The time between two requests.
    #[serde(skip)]
    pub every: Duration,
}

/// A request that tells what became of a first request that nobody knows the end of.
#[derive(Debug)]
pub struct LookUpRequest {
    /// The request. What its `until` says, or a success, is the answer to the first request.
    pub request: Step,
    /// What its answer is when the first request never arrived.
    pub absent: Condition,
}

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resend {
    /// Never, once it was sent.
    Never,
    /// When the vendor said that it was not done.
    RejectedOnly,
    /// Also when it is not known whether it was done.
    Always,
}

/// Where an answer reports what the call cost.
#[derive(Debug, Default)]
pub struct Meter {
    /// The price of the call, in the vendor's units.
    pub cost: Option<Place>,
    /// What the account has left.
    pub remaining: Option<Place>,
}

/// Where an answer reports the limit on calls.
#[derive(Debug, Default)]
pub struct Rate {
    /// How many calls are allowed in a period.
    pub limit: Option<Place>,
    /// How many are left.
    pub remaining: Option<Place>,
    /// When the next period begins: seconds from now, or since 1970.
    pub reset: Option<Place>,
}

/// Where an answer says what went wrong: the first place that has something.
#[derive(Debug, Default)]
pub struct ErrorPlace {
    /// In words.
    pub message: Vec<Place>,
    /// For programs.
    pub code: Vec<Place>,
}

/// Media types, as messages list them.
pub(crate) fn listed(media_types: &[MediaType]) -> String {
    let names: Vec<_> = media_types.iter().map(MediaType::as_str).collect();
    names.join(", ")
}

fn as_text<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
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
            "version": 2,
            "method": self.method.as_str(),
            "url": self.url,
            "headers": headers,
            "payload": self.payload,
            "then": self.then,
            "result": self.result,
            "role": self.role,
            "produces": self.produces,
        });
        Sha256Digest::of(definition.to_string().as_bytes()).to_string()
    }

    /// Every template of every request.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let first = std::iter::once(&self.url)
            .chain(self.headers.iter().map(|(_, template)| template))
            .chain(self.payload.templates());
        let look_up = self.look_up.iter().map(|look_up| &look_up.request);
        let further = self.then.iter().chain(look_up).flat_map(Step::templates);
        first.chain(further)
    }

    /// Whether a call may come to a job that is asked about.
    pub(crate) fn takes_jobs(&self) -> bool {
        !self.then.is_empty() || matches!(self.result, ResultPlace::Url(_))
    }

    /// What the requests make of secrets, other than to say them as they are: see
    /// [`Template::made_of_secrets`].
    pub(crate) fn made_of_secrets(&self, render: RenderContext<'_>) -> Vec<String> {
        self.templates()
            .flat_map(|template| template.made_of_secrets(render))
            .collect()
    }

    /// The names of the secrets that the requests need.
    pub fn secret_names(&self) -> Vec<SecretName> {
        let mut names: Vec<_> = self
            .templates()
            .flat_map(Template::secrets)
            .cloned()
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Step {
    /// Its templates.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.url)
            .chain(self.headers.iter().map(|(_, template)| template))
            .chain(in_fields(&self.fields))
    }
}

fn in_fields(fields: &[Field]) -> impl Iterator<Item = &Template> {
    fields.iter().filter_map(|field| match &field.value {
        FieldValue::Template(template) => Some(template),
        _ => None,
    })
}

impl Payload {
    /// The templates in its fields.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        in_fields(self.fields())
    }

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
