//! Texts with placeholders.

mod filter;
mod imgproxy;
mod placeholder;

use assetmill_core::{ParamValue, Params};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::response::Response;
use super::secrets::{MIN_SECRET_CHARS, SecretName, Secrets};
use filter::Filter;
pub use placeholder::{Placeholder, Source, TemplateError};

/// A text with placeholders, such as `{env:NAME}`, `{param:name}` and `{asset:url|base64url}`; all of
/// them are listed in `docs/operations.md`. `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands for itself.
    Literal(String),
    /// What is filled in.
    Placeholder(Placeholder),
}

/// What placeholders are filled with.
#[derive(Clone, Copy)]
pub(crate) struct RenderContext<'a> {
    pub(crate) params: &'a Params,
    pub(crate) secrets: &'a Secrets,
    pub(crate) asset_url: &'a str,
    /// What the call is known by, where it is made or looked up.
    pub(crate) reference: Option<&'a str>,
    /// The answer before, for the requests that follow one.
    pub(crate) answer: Option<&'a Response>,
}

impl Template {
    /// A template that is the URL of the asset.
    pub fn asset_url() -> Self {
        Self {
            source: "{asset:url}".to_owned(),
            pieces: vec![Piece::Placeholder(Placeholder::plain(Source::AssetUrl))],
        }
    }

    /// Reads a template.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
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
            pieces.push(Piece::Placeholder(placeholder.parse()?));
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
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Where its placeholders get their values, in order.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Placeholder(placeholder) => Some(&placeholder.source),
        })
    }

    /// The names of the parameters in it.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.sources().filter_map(|source| match source {
            Source::Param(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The names of the secrets in it.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        self.sources().flat_map(Source::secrets)
    }

    /// Whether a secret is in it.
    pub(crate) fn has_secret(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// The filled-in text; `None` when one of its values is absent.
    pub(crate) fn text(&self, render: RenderContext<'_>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Placeholder(placeholder) => text.push_str(&placeholder.text(render)?),
            }
        }
        Some(text)
    }

    /// The filled-in text, what was filled in percent-encoded so that it can't change the URL around
    /// it; `None` when one of its values is absent. A template that is nothing but a place in the
    /// answer before is that whole URL.
    pub(crate) fn url_text(&self, render: RenderContext<'_>) -> Option<String> {
        if self.is_answer() {
            return self.text(render);
        }
        // From the end, since a signature covers what follows it.
        let mut text = String::new();
        for piece in self.pieces.iter().rev() {
            let part = match piece {
                Piece::Literal(literal) => literal.clone(),
                Piece::Placeholder(Placeholder {
                    source: Source::Imgproxy { key, salt },
                    ..
                }) => imgproxy::signature(render.secrets, key, salt, &text)?,
                Piece::Placeholder(placeholder) => placeholder.url_text(render)?,
            };
            text.insert_str(0, &part);
        }
        Some(text)
    }

    /// What the filled-in text says of secrets in other words: what filters and signatures make of them,
    /// and the whole of a text in which one is too short to be looked for by itself.
    pub(crate) fn made_of_secrets(&self, render: RenderContext<'_>) -> Vec<String> {
        let mut made = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            let Piece::Placeholder(placeholder) = piece else {
                continue;
            };
            match (&placeholder.source, &placeholder.filter) {
                (Source::Imgproxy { key, salt }, _) => {
                    let signed = Self {
                        source: String::new(),
                        pieces: self.pieces[at + 1..].to_vec(),
                    };
                    let signed = signed.url_text(render);
                    made.extend(
                        signed
                            .and_then(|path| imgproxy::signature(render.secrets, key, salt, &path)),
                    );
                }
                (Source::Secret(_), Some(_)) => made.extend(placeholder.text(render)),
                _ => {}
            }
        }
        let is_short = |name: &SecretName| {
            let value = render.secrets.get(name);
            value.is_some_and(|value| value.chars().count() < MIN_SECRET_CHARS)
        };
        if self.secrets().any(is_short) {
            made.extend(self.text(render));
            made.extend(self.url_text(render));
        }
        made
    }

    /// Whether it is nothing but a place in the answer before.
    pub fn is_answer(&self) -> bool {
        matches!(
            self.pieces.as_slice(),
            [Piece::Placeholder(Placeholder {
                source: Source::Answer(_) | Source::Header(_),
                filter: None,
            })]
        )
    }

    /// The filled-in value: that of the parameter, with its type, when the template is nothing but
    /// one, a text otherwise; `None` when one of its values is absent.
    pub(crate) fn json(&self, render: RenderContext<'_>) -> Option<Value> {
        match self.pieces.as_slice() {
            [
                Piece::Placeholder(Placeholder {
                    source: Source::Param(name),
                    filter: None,
                }),
            ] => render.params.get(name).map(|value| match value {
                ParamValue::Boolean(value) => Value::from(*value),
                ParamValue::Integer(value) => Value::from(*value),
                ParamValue::Number(value) => Value::from(*value),
                ParamValue::Text(value) => Value::from(value.as_str()),
            }),
            _ => self.text(render).map(Value::from),
        }
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// Every byte but the unreserved ones (RFC 3986, section 2.3) as `%XX`.
pub(crate) fn percent_encoded(text: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: &str) -> Params {
        serde_json::from_str(json).unwrap()
    }

    fn secrets() -> Secrets {
        Secrets::look_up([SecretName::Env("KEY".to_owned())], &|_| {
            Some("s/ecret".to_owned())
        })
    }

    #[test]
    fn placeholders_are_filled_and_braces_escaped() {
        let template = Template::parse("{{{env:KEY}}} {param:size} of {asset:url}").unwrap();
        let render = RenderContext {
            params: &params(r#"{"size": 7}"#),
            secrets: &secrets(),
            asset_url: "https://a.test/x y",
            reference: None,
            answer: None,
        };
        assert_eq!(
            template.text(render).unwrap(),
            "{s/ecret} 7 of https://a.test/x y"
        );
        let url = Template::parse("https://b.test/{param:size}?u={asset:url}").unwrap();
        assert_eq!(
            url.url_text(render).unwrap(),
            "https://b.test/7?u=https%3A%2F%2Fa.test%2Fx%20y"
        );
    }

    #[test]
    fn a_lone_parameter_keeps_its_type() {
        let render = RenderContext {
            params: &params(r#"{"scale": 2, "fast": true, "share": 0.5, "name": "x"}"#),
            secrets: &secrets(),
            asset_url: "",
            reference: None,
            answer: None,
        };
        let json = |source: &str| Template::parse(source).unwrap().json(render);
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
