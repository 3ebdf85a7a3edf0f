//! Tables whose fields are known.

use toml::Spanned;
use toml::de::DeTable;

use super::error::{Diagnostic, suggestion};
use super::value::{Found, Value};

/// A table that has known fields alone.
#[derive(Clone)]
pub(super) struct Table<'a> {
    place: Value<'a>,
    fields: &'a DeTable<'a>,
}

impl<'a> Value<'a> {
    /// A table whose fields are known.
    pub(super) fn table(&self, known: &[&'static str]) -> Result<Table<'a>, Diagnostic> {
        Table::open(self.clone(), self.fields()?, known)
    }
}

impl<'a> Table<'a> {
    /// The document, whose fields may be `known`.
    pub(super) fn top(
        document: &'a Spanned<DeTable<'a>>,
        known: &[&'static str],
    ) -> Result<Self, Diagnostic> {
        let fields = document.get_ref();
        let place = Value {
            path: String::new(),
            span: 0..0,
            found: Found::Document,
        };
        Self::open(place, fields, known)
    }

    /// A table, whose fields may be `known`. A field that is not comes before one that is missing:
    /// it is probably the same, misspelt.
    fn open(
        place: Value<'a>,
        fields: &'a DeTable<'a>,
        known: &[&'static str],
    ) -> Result<Self, Diagnostic> {
        for key in fields.keys() {
            let name = key.get_ref();
            if !known.contains(&name.as_ref()) {
                let hint = suggestion(name, known.iter().copied(), "it takes");
                let within = match place.path.as_str() {
                    "" => "at the top".to_owned(),
                    path => format!("in {path}"),
                };
                let message = format!("unknown field \"{name}\" {within}{hint}");
                return Err(Diagnostic::new(&key.span(), message));
            }
        }
        Ok(Self { place, fields })
    }

    /// The value of a field.
    pub(super) fn optional(&self, name: &str) -> Option<Value<'a>> {
        let value = self.fields.get(name)?;
        Some(self.place.child(name, value))
    }

    /// The value of a field that must be there; `example` shows how it may look.
    pub(super) fn required(&self, name: &str, example: &str) -> Result<Value<'a>, Diagnostic> {
        self.optional(name).ok_or_else(|| {
            let within = match self.place.path.as_str() {
                "" => "the catalogue",
                path => path,
            };
            self.diagnostic(format!("{within} lacks \"{name}\"; add {example}"))
        })
    }

    /// A diagnostic of the table as a whole.
    pub(super) fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        self.place.diagnostic(message)
    }

    /// The path of the table.
    pub(super) fn path(&self) -> &str {
        &self.place.path
    }
}
