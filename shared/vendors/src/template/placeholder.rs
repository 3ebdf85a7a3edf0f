//! What stands between braces.

use std::str::FromStr;

use assetmill_core::ParamValue;
use http::HeaderName;

use super::{Filter, RenderContext, percent_encoded};
use crate::pointer::JsonPointer;
use crate::secrets::SecretName;

/// A value that is filled in, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    pub(crate) source: Source,
    pub(crate) filter: Option<Filter>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A secret: `{env:NAME}`, `{ssm:/name}`, `{secretsmanager:name}`.
    Secret(SecretName),
    /// A parameter: `{param:name}`.
    Param(String),
    /// The URL of the asset: `{asset:url}`.
    AssetUrl,
    /// What the call is known by to the vendor: `{call:reference}`. In requests that follow, it is absent.
    Reference,
    /// A place in the JSON of the answer before: `{answer:/id}`.
    Answer(JsonPointer),
    /// A header of the answer before: `{header:location}`.
    Header(HeaderName),
    /// The signature of all that follows in the URL, as imgproxy wants it:
    /// `{imgproxy:KEY,SALT}`, both environment variables in hexadecimal.
    Imgproxy {
        /// The key.
        key: SecretName,
        /// The salt.
        salt: SecretName,
    },
}

/// Why a text is no template, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace is left open.
    #[error("has a \"{{\" that is not closed; close it with \"}}\", or write \"{{{{\" for a brace")]
    Unclosed,
    /// A brace closes nothing.
    #[error("has a \"}}\" that closes nothing; write \"}}}}\" for a brace")]
    Unopened,
    /// It is none of the placeholders there are.
    #[error(
        "has the unknown placeholder {{{0}}}; use {{env:NAME}}, {{param:name}} or {{asset:url}}, or \
         another of docs/operations.md"
    )]
    Unknown(String),
    /// It is none of the filters there are.
    #[error(
        "has the unknown filter \"{0}\"; it can be base64, base64url, urlencode or basic, as in \
         {{env:KEY|basic:user}}"
    )]
    UnknownFilter(String),
}

impl Placeholder {
    pub(super) fn plain(source: Source) -> Self {
        Self {
            source,
            filter: None,
        }
    }

    pub(super) fn text(&self, render: RenderContext<'_>) -> Option<String> {
        let text = self.source.text(render)?;
        Some(match &self.filter {
            Some(filter) => filter.apply(&text),
            None => text,
        })
    }

    /// The text, percent-encoded unless a filter has made it fit for a URL.
    pub(super) fn url_text(&self, render: RenderContext<'_>) -> Option<String> {
        let text = self.text(render)?;
        Some(match &self.filter {
            Some(filter) if filter.is_fit_for_url() => text,
            _ => percent_encoded(&text),
        })
    }
}

impl Source {
    fn text(&self, render: RenderContext<'_>) -> Option<String> {
        match self {
            Self::Secret(name) => render.secrets.get(name).map(str::to_owned),
            Self::AssetUrl => Some(render.asset_url.to_owned()),
            Self::Reference => render.reference.map(str::to_owned),
            Self::Param(name) => render.params.get(name).map(|value| match value {
                ParamValue::Boolean(value) => value.to_string(),
                ParamValue::Integer(value) => value.to_string(),
                ParamValue::Number(value) => value.to_string(),
                ParamValue::Text(value) => value.clone(),
            }),
            Self::Answer(at) => at.text_in(render.answer?.document()?),
            Self::Header(name) => render.answer?.header(name).map(str::to_owned),
            // A signature is of a URL, and filled in there.
            Self::Imgproxy { .. } => None,
        }
    }

    pub(super) fn secrets(&self) -> Vec<&SecretName> {
        match self {
            Self::Secret(name) => vec![name],
            Self::Imgproxy { key, salt } => vec![key, salt],
            _ => Vec::new(),
        }
    }
}

impl FromStr for Placeholder {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let (source, filter) = match text.split_once('|') {
            Some((source, filter)) => {
                let unknown = || TemplateError::UnknownFilter(filter.to_owned());
                (source, Some(Filter::parse(filter).ok_or_else(unknown)?))
            }
            None => (text, None),
        };
        source_of(source)
            .map(|source| Self { source, filter })
            .ok_or_else(|| TemplateError::Unknown(text.to_owned()))
    }
}

fn source_of(text: &str) -> Option<Source> {
    let (kind, name) = text.split_once(':')?;
    match kind {
        "param" if is_name(name) => Some(Source::Param(name.to_owned())),
        "asset" if name == "url" => Some(Source::AssetUrl),
        "call" if name == "reference" => Some(Source::Reference),
        "answer" => name.parse().ok().map(Source::Answer),
        "header" => name.parse().ok().map(Source::Header),
        "imgproxy" => {
            let (key, salt) = name.split_once(',')?;
            Some(Source::Imgproxy {
                key: env(key.trim())?,
                salt: env(salt.trim())?,
            })
        }
        "env" => env(name).map(Source::Secret),
        // The characters of parameter and secret names:
        // https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
        "ssm" if is_path(name) => Some(Source::Secret(SecretName::Ssm(name.to_owned()))),
        "secretsmanager" if is_path(name) => {
            Some(Source::Secret(SecretName::SecretsManager(name.to_owned())))
        }
        _ => None,
    }
}

fn env(name: &str) -> Option<SecretName> {
    is_name(name).then(|| SecretName::Env(name.to_owned()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

fn is_path(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"/_+=.@-:".contains(&c))
}
