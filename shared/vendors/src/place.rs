//! Places in an answer.

use std::str::FromStr;

use http::HeaderName;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::pointer::{JsonPointer, NotAPointer};
use super::response::Response;

/// A place in an answer: `/a/b`, a JSON pointer into its body, or the name of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the body, which is JSON.
    Body(JsonPointer),
    /// In the headers.
    Header(HeaderName),
}

impl Place {
    /// What stands there; JSON's `null` counts as nothing.
    pub(crate) fn value_in(&self, answer: &Response) -> Option<Value> {
        match self {
            Self::Body(at) => at.value_in(answer.document()?).cloned(),
            Self::Header(name) => answer.header(name).map(Value::from),
        }
    }

    /// The text, or the number as text, that stands there.
    pub(crate) fn text_in(&self, answer: &Response) -> Option<String> {
        match self {
            Self::Body(at) => at.text_in(answer.document()?),
            Self::Header(name) => answer.header(name).map(str::to_owned),
        }
    }
}

impl FromStr for Place {
    type Err = NotAPointer;

    fn from_str(text: &str) -> Result<Self, NotAPointer> {
        if text.starts_with('/') {
            return text.parse().map(Self::Body);
        }
        text.parse().map(Self::Header).map_err(|_| NotAPointer)
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Body(at) => at.as_str(),
            Self::Header(name) => name.as_str(),
        })
    }
}
