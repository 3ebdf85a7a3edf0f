//! Values, and what they are read as.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Diagnostic, suggestion};

/// The most characters of a text that an error repeats.
const MAX_SHOWN_CHARS: usize = 40;

/// A value, where it stands and what it is called.
#[derive(Clone)]
pub(super) struct Value<'a> {
    pub(super) path: String,
    pub(super) span: Range<usize>,
    pub(super) found: Found<'a>,
}

/// What stands there.
#[derive(Clone, Copy)]
pub(super) enum Found<'a> {
    Document,
    Value(&'a DeValue<'a>),
}

/// The name of an entry that the writer of the catalogue chose.
#[derive(Clone)]
pub(super) struct Key<'a> {
    pub(super) text: &'a str,
    span: Range<usize>,
}

impl Key<'_> {
    pub(super) fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.span, message)
    }

    /// The key, to be repeated in an error.
    pub(super) fn shown(&self) -> String {
        shown(self.text)
    }
}

impl<'a> Value<'a> {
    /// The value of a field of this one.
    pub(super) fn child(&self, name: &str, value: &'a Spanned<DeValue<'a>>) -> Self {
        let path = match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        Self {
            path,
            span: value.span(),
            found: Found::Value(value.get_ref()),
        }
    }

    /// A diagnostic at this value.
    pub(super) fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.span, message)
    }

    /// It is something else than `expected`.
    pub(super) fn wrong(&self, expected: impl Display) -> Diagnostic {
        let found = match self.found {
            Found::Document => "the document".to_owned(),
            Found::Value(value) => described(value),
        };
        self.diagnostic(format!("{} must be {expected}, not {found}", self.path))
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&'a str, Diagnostic> {
        match self.found {
            Found::Value(DeValue::String(text)) => Ok(text),
            _ => Err(self.wrong("a text in quotes")),
        }
    }

    /// A text that says something.
    pub(super) fn sentence(&self) -> Result<String, Diagnostic> {
        match self.text()? {
            text if text.trim().is_empty() => Err(self.wrong("a sentence")),
            text => Ok(text.to_owned()),
        }
    }

    /// A text that parses; `expected` says what would.
    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        expected: impl Display,
    ) -> Result<T, Diagnostic> {
        self.text()?.parse().map_err(|_| self.wrong(expected))
    }

    /// One of the known texts, and what it means.
    pub(super) fn choice<T: Copy>(&self, known: &[(&str, T)]) -> Result<T, Diagnostic> {
        let text = self.text()?;
        let names = || known.iter().map(|(name, _)| *name);
        known
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| {
                let hint = suggestion(text, names(), "it can be");
                self.diagnostic(format!("{} can't be {}{hint}", self.path, shown(text)))
            })
    }

    /// A truth value.
    pub(super) fn boolean(&self) -> Result<bool, Diagnostic> {
        match self.found {
            Found::Value(DeValue::Boolean(value)) => Ok(*value),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// A whole number in a range.
    pub(super) fn integer<T>(&self, range: RangeInclusive<T>) -> Result<T, Diagnostic>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        self.any_integer()
            .and_then(|number| T::try_from(number).ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (min, max) = (range.start(), range.end());
                self.wrong(format!("a whole number from {min} to {max}"))
            })
    }

    /// A number in a range.
    pub(super) fn number(&self, range: RangeInclusive<f64>) -> Result<f64, Diagnostic> {
        let number = match self.found {
            Found::Value(DeValue::Float(float)) => float.as_str().replace('_', "").parse().ok(),
            // Numbers of the catalogue are far below 2^53.
            #[expect(clippy::cast_precision_loss)]
            _ => self.any_integer().map(|number| number as f64),
        };
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (min, max) = (range.start(), range.end());
                self.wrong(format!("a number from {min} to {max}"))
            })
    }

    fn any_integer(&self) -> Option<i64> {
        match self.found {
            Found::Value(DeValue::Integer(integer)) => {
                i64::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            _ => None,
        }
    }

    /// A text, a number or a truth value, as JSON; `None` for anything else.
    pub(super) fn scalar(&self) -> Option<serde_json::Value> {
        match self.found {
            Found::Value(DeValue::String(text)) => Some(text.as_ref().into()),
            Found::Value(DeValue::Boolean(value)) => Some((*value).into()),
            Found::Value(DeValue::Integer(_)) => self.any_integer().map(Into::into),
            Found::Value(DeValue::Float(_)) => {
                self.number(f64::MIN..=f64::MAX).ok().map(Into::into)
            }
            _ => None,
        }
    }

    /// A list.
    pub(super) fn list(&self) -> Result<Vec<Self>, Diagnostic> {
        match self.found {
            Found::Value(DeValue::Array(items)) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, item)| Self {
                    path: format!("{}[{index}]", self.path),
                    span: item.span(),
                    found: Found::Value(item.get_ref()),
                })
                .collect()),
            _ => Err(self.wrong("a list in brackets")),
        }
    }

    /// A table whose keys the writer of the catalogue chose, in the order of the file.
    pub(super) fn entries(&self) -> Result<Vec<(Key<'a>, Self)>, Diagnostic> {
        let mut entries: Vec<_> = self
            .fields()?
            .iter()
            .map(|(key, value)| {
                let name = Key {
                    text: key.get_ref(),
                    span: key.span(),
                };
                (name, self.child(key.get_ref(), value))
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        Ok(entries)
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        self.fields().is_ok()
    }

    /// The fields, whatever they are called.
    pub(super) fn fields(&self) -> Result<&'a DeTable<'a>, Diagnostic> {
        match self.found {
            Found::Value(DeValue::Table(fields)) => Ok(fields),
            _ => Err(self.wrong("a table")),
        }
    }
}

fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => shown(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// A text in quotes, on one line and not long.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("\"{}{dots}\"", cut.escape_debug())
}
