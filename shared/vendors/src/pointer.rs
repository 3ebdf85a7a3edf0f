//! JSON pointers (RFC 6901).

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

/// A place in a JSON document, such as `/errors/0/title`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct JsonPointer(String);

/// The text is no JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAPointer;

impl JsonPointer {
    /// The pointer as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands at this place; `null` counts as nothing.
    pub(crate) fn value_in<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        document.pointer(&self.0).filter(|value| !value.is_null())
    }

    /// The text, or the number as text, at this place.
    pub(crate) fn text_in(&self, document: &Value) -> Option<String> {
        match document.pointer(&self.0)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The text at this place.
    pub(crate) fn str_in<'a>(&self, document: &'a Value) -> Option<&'a str> {
        document.pointer(&self.0)?.as_str()
    }
}

impl FromStr for JsonPointer {
    type Err = NotAPointer;

    /// Takes all that RFC 6901 allows but the empty pointer: no vendor answers a bare text.
    fn from_str(text: &str) -> Result<Self, NotAPointer> {
        let escapes = text.split('~').skip(1);
        let valid = text.starts_with('/')
            && escapes
                .into_iter()
                .all(|after| after.starts_with(['0', '1']));
        valid.then(|| Self(text.to_owned())).ok_or(NotAPointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_as_in_rfc_6901() {
        for right in ["/", "/a/0/b", "/a~1b", "/m~0n"] {
            assert!(right.parse::<JsonPointer>().is_ok(), "{right}");
        }
        for wrong in ["", "a/b", "errors[0].title", "/a~", "/a~2"] {
            assert!(wrong.parse::<JsonPointer>().is_err(), "{wrong}");
        }
    }
}
