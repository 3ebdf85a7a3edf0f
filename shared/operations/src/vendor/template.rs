//! Texts with placeholders.

use assetmill_core::{ParamValue, Params};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::secrets::Secrets;

/// A text with placeholders: `{env:NAME}` (a secret), `{param:name}` and `{asset:url}`. `{{` and `}}`
/// stand for braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    source: String,
    pieces: Vec<Piece>,
}

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text that stands for itself.
    Literal(String),
    /// The secret of this name.
    Secret(String),
    /// The parameter of this name.
    Param(String),
    /// The URL of the asset.
    AssetUrl,
}

/// Why a text is no template, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("has a \"{{\" that is not closed; close it with \"}}\", or write \"{{{{\" for a brace")]
    Unclosed,
    #[error("has a \"}}\" that closes nothing; write \"}}}}\" for a brace")]
    Unopened,
    #[error(
        "has the unknown placeholder {{{0}}}; use {{env:NAME}}, {{param:name}} or {{asset:url}}"
    )]
    Unknown(String),
}

/// What placeholders are filled with.
#[derive(Clone, Copy)]
pub(crate) struct Filling<'a> {
    pub(crate) params: &'a Params,
    pub(crate) secrets: &'a Secrets,
    pub(crate) asset_url: &'a str,
}

impl Template {
    /// A template that is the URL of the asset.
    pub(crate) fn asset_url() -> Self {
        Self {
            source: "{asset:url}".to_owned(),
            pieces: vec![Piece::AssetUrl],
        }
    }

    /// Reads a template.
    pub(crate) fn parse(source: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err(TemplateError::Unopened);
            }
            let (placeholder, after) = after.split_once('}').ok_or(TemplateError::Unclosed)?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::parse(placeholder)?);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self {
            source: source.to_owned(),
            pieces,
        })
    }

    /// The pieces, in order.
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether a secret is in it.
    pub(crate) fn has_secret(&self) -> bool {
        let is_secret = |piece: &Piece| matches!(piece, Piece::Secret(_));
        self.pieces.iter().any(is_secret)
    }

    /// The filled-in text; `None` when one of its parameters is absent.
    pub(crate) fn text(&self, filling: Filling<'_>) -> Option<String> {
        self.pieces
            .iter()
            .map(|piece| piece.text(filling))
            .collect()
    }

    /// The filled-in text, what was filled in percent-encoded so that it can't change the URL around
    /// it; `None` when one of its parameters is absent.
    pub(crate) fn url_text(&self, filling: Filling<'_>) -> Option<String> {
        let encoded = |piece: &Piece| match piece {
            Piece::Literal(text) => Some(text.clone()),
            piece => piece.text(filling).map(|text| percent_encoded(&text)),
        };
        self.pieces.iter().map(encoded).collect()
    }

    /// The filled-in value: that of the parameter, with its type, when the template is nothing but
    /// one, a text otherwise; `None` when one of its parameters is absent.
    pub(crate) fn json(&self, filling: Filling<'_>) -> Option<Value> {
        match self.pieces.as_slice() {
            [Piece::Param(name)] => filling.params.get(name).map(|value| match value {
                ParamValue::Boolean(value) => Value::from(*value),
                ParamValue::Integer(value) => Value::from(*value),
                ParamValue::Number(value) => Value::from(*value),
                ParamValue::Text(value) => Value::from(value.as_str()),
            }),
            _ => self.text(filling).map(Value::from),
        }
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl Piece {
    fn parse(placeholder: &str) -> Result<Self, TemplateError> {
        let unknown = || TemplateError::Unknown(placeholder.to_owned());
        let (kind, name) = placeholder.split_once(':').ok_or_else(unknown)?;
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        match (kind, name) {
            ("env", name) if is_name => Ok(Self::Secret(name.to_owned())),
            ("param", name) if is_name => Ok(Self::Param(name.to_owned())),
            ("asset", "url") => Ok(Self::AssetUrl),
            _ => Err(unknown()),
        }
    }

    fn text(&self, filling: Filling<'_>) -> Option<String> {
        match self {
            Self::Literal(text) => Some(text.clone()),
            Self::Secret(name) => filling.secrets.get(name).map(str::to_owned),
            Self::AssetUrl => Some(filling.asset_url.to_owned()),
            Self::Param(name) => filling.params.get(name).map(|value| match value {
                ParamValue::Boolean(value) => value.to_string(),
                ParamValue::Integer(value) => value.to_string(),
                ParamValue::Number(value) => value.to_string(),
                ParamValue::Text(value) => value.clone(),
            }),
        }
    }
}

/// Every byte but the unreserved ones (RFC 3986, section 2.3) as `%XX`.
pub(crate) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: &str) -> Params {
        serde_json::from_str(json).unwrap()
    }

    fn secrets() -> Secrets {
        Secrets::look_up(["KEY".to_owned()], &|_| Some("s/ecret".to_owned()))
    }

    #[test]
    fn placeholders_are_filled_and_braces_escaped() {
        let template = Template::parse("{{{env:KEY}}} {param:size} of {asset:url}").unwrap();
        let filling = Filling {
            params: &params(r#"{"size": 7}"#),
            secrets: &secrets(),
            asset_url: "https://a.test/x y",
        };
        assert_eq!(
            template.text(filling).unwrap(),
            "{s/ecret} 7 of https://a.test/x y"
        );
        let url = Template::parse("https://b.test/{param:size}?u={asset:url}").unwrap();
        assert_eq!(
            url.url_text(filling).unwrap(),
            "https://b.test/7?u=https%3A%2F%2Fa.test%2Fx%20y"
        );
    }

    #[test]
    fn a_lone_parameter_keeps_its_type() {
        let filling = Filling {
            params: &params(r#"{"scale": 2, "fast": true, "share": 0.5, "name": "x"}"#),
            secrets: &secrets(),
            asset_url: "",
        };
        let json = |source: &str| Template::parse(source).unwrap().json(filling);
        assert_eq!(json("{param:scale}"), Some(Value::from(2)));
        assert_eq!(json("{param:fast}"), Some(Value::from(true)));
        assert_eq!(json("{param:share}"), Some(Value::from(0.5)));
        assert_eq!(json("{param:name}"), Some(Value::from("x")));
        assert_eq!(json("{param:scale}x"), Some(Value::from("2x")));
        assert_eq!(json("{param:absent}"), None);
    }

    #[test]
    fn what_is_no_template_says_why() {
        for (source, expected) in [
            ("{param:x", TemplateError::Unclosed),
            ("x}", TemplateError::Unopened),
            ("{}", TemplateError::Unknown(String::new())),
            ("{foo:x}", TemplateError::Unknown("foo:x".to_owned())),
            (
                "{asset:name}",
                TemplateError::Unknown("asset:name".to_owned()),
            ),
            ("{env:}", TemplateError::Unknown("env:".to_owned())),
            (
                "{param:a b}",
                TemplateError::Unknown("param:a b".to_owned()),
            ),
        ] {
            assert_eq!(Template::parse(source), Err(expected), "{source}");
        }
    }
}
