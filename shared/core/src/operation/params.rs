//! The parameters of an operation, and what they may be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(f64),
    /// A text.
    Text(String),
}

/// Parameters that their operation's schema accepted, defaults filled in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(BTreeMap<String, ParamValue>);

/// What one parameter may be.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamKind {
    /// `true` or `false`.
    Boolean,
    /// A whole number from `min` to `max`.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number from `min` to `max`.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// A text of at most `max_length` characters.
    Text {
        /// The most characters.
        max_length: usize,
    },
    /// One of these texts.
    Choice(Vec<String>),
    /// A colour as `#rrggbb`, in sRGB.
    Color,
}

/// One parameter of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// What it does, in a sentence.
    pub summary: String,
    /// What it may be.
    pub kind: ParamKind,
    /// What it is when a request does not say; without one it is left out.
    pub default: Option<ParamValue>,
}

/// The parameters that an operation takes, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParamsSchema(pub BTreeMap<String, ParamSpec>);

/// A parameter that the schema does not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParamError {
    /// The name of the parameter.
    pub name: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Params {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&ParamValue> {
        self.0.get(name)
    }

    /// The value of a whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            ParamValue::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            ParamValue::Text(value) => Some(value),
            _ => None,
        }
    }

    /// Every parameter, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParamValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// One text for equal parameters.
    pub fn canonical(&self) -> String {
        // A map of scalars with text keys always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl ParamsSchema {
    /// Accepts what a caller gave, with defaults for what it did not.
    ///
    /// # Errors
    /// [`ParamError`] for the first parameter, by name, that is unknown or not what it may be.
    pub fn accept(&self, given: &Map<String, Value>) -> Result<Params, ParamError> {
        if let Some(unknown) = given.keys().find(|name| !self.0.contains_key(*name)) {
            return Err(ParamError {
                name: unknown.clone(),
                message: self.unknown_message(unknown),
            });
        }
        let mut accepted = BTreeMap::new();
        for (name, spec) in &self.0 {
            let value = match given.get(name) {
                Some(value) => Some(spec.kind.accept(value).ok_or_else(|| ParamError {
                    name: name.clone(),
                    message: format!("{name} must be {}, not {value}", spec.kind.expectation()),
                })?),
                None => spec.default.clone(),
            };
            accepted.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(Params(accepted))
    }

    fn unknown_message(&self, name: &str) -> String {
        if self.0.is_empty() {
            return format!("{name} is unknown: this operation takes no parameters");
        }
        let known: Vec<_> = self.0.keys().map(String::as_str).collect();
        format!(
            "{name} is unknown: this operation takes {}",
            known.join(", ")
        )
    }

    /// The schema as a JSON Schema (draft 2020-12) of the `params` object.
    pub fn to_json_schema(&self) -> Value {
        let properties: Map<String, Value> = self
            .0
            .iter()
            .map(|(name, spec)| (name.clone(), spec.to_json_schema()))
            .collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

impl ParamSpec {
    fn to_json_schema(&self) -> Value {
        let mut schema = match &self.kind {
            ParamKind::Boolean => json!({ "type": "boolean" }),
            ParamKind::Integer { min, max } => {
                json!({ "type": "integer", "minimum": min, "maximum": max })
            }
            ParamKind::Number { min, max } => {
                json!({ "type": "number", "minimum": min, "maximum": max })
            }
            ParamKind::Text { max_length } => json!({ "type": "string", "maxLength": max_length }),
            ParamKind::Choice(choices) => json!({ "type": "string", "enum": choices }),
            ParamKind::Color => json!({ "type": "string", "pattern": "^#[0-9a-fA-F]{6}$" }),
        };
        if !self.summary.is_empty() {
            schema["description"] = json!(self.summary);
        }
        if let Some(default) = &self.default {
            schema["default"] = json!(default);
        }
        schema
    }
}

impl ParamKind {
    /// Reads a value of this kind; `None` when it is of another, or out of range.
    pub fn accept(&self, value: &Value) -> Option<ParamValue> {
        match self {
            Self::Boolean => value.as_bool().map(ParamValue::Boolean),
            Self::Integer { min, max } => value
                .as_i64()
                .filter(|number| (min..=max).contains(&number))
                .map(ParamValue::Integer),
            Self::Number { min, max } => value
                .as_f64()
                .filter(|number| (min..=max).contains(&number))
                .map(ParamValue::Number),
            Self::Text { max_length } => value
                .as_str()
                .filter(|text| text.chars().count() <= *max_length)
                .map(|text| ParamValue::Text(text.to_owned())),
            Self::Color => value
                .as_str()
                .filter(|text| is_color(text))
                .map(|text| ParamValue::Text(text.to_owned())),
            Self::Choice(choices) => value
                .as_str()
                .filter(|text| choices.iter().any(|choice| choice == text))
                .map(|text| ParamValue::Text(text.to_owned())),
        }
    }

    /// What a value of this kind has to be, to end the sentence "it must be …".
    pub fn expectation(&self) -> String {
        match self {
            Self::Boolean => "true or false".to_owned(),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number { min, max } => format!("a number from {min} to {max}"),
            Self::Text { max_length } => format!("a text of at most {max_length} characters"),
            Self::Color => "a colour, such as \"#ffffff\"".to_owned(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
        }
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> ParamsSchema {
        let spec = |kind, default| ParamSpec {
            summary: String::new(),
            kind,
            default,
        };
        ParamsSchema(BTreeMap::from([
            (
                "width".to_owned(),
                spec(
                    ParamKind::Integer { min: 1, max: 100 },
                    Some(ParamValue::Integer(10)),
                ),
            ),
            (
                "format".to_owned(),
                spec(ParamKind::Choice(vec!["png".into(), "webp".into()]), None),
            ),
        ]))
    }

    fn accept(given: &Value) -> Result<Params, ParamError> {
        schema().accept(given.as_object().unwrap())
    }

    #[test]
    fn defaults_fill_in() {
        let params = accept(&json!({})).unwrap();
        assert_eq!(params.integer("width"), Some(10));
        assert_eq!(params.text("format"), None);
    }

    #[test]
    fn what_does_not_fit_names_itself() {
        for (given, name) in [
            (json!({ "width": 0 }), "width"),
            (json!({ "width": 101 }), "width"),
            (json!({ "width": "10" }), "width"),
            (json!({ "width": 1.5 }), "width"),
            (json!({ "format": "gif" }), "format"),
            (json!({ "height": 1 }), "height"),
        ] {
            assert_eq!(accept(&given).unwrap_err().name, name, "{given}");
        }
    }

    #[test]
    fn equal_parameters_have_one_text() {
        let one = accept(&json!({ "width": 5, "format": "png" })).unwrap();
        let other = accept(&json!({ "format": "png", "width": 5 })).unwrap();
        assert_eq!(one.canonical(), other.canonical());
        assert_eq!(one.canonical(), r#"{"format":"png","width":5}"#);
    }
}
