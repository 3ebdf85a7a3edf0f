//! Mistakes, and where they are.

use std::ops::Range;

/// A diagnostic in the catalogue, shown in one line: `file:line:column: what is wrong; what would be
/// right`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct CatalogueError {
    /// The file, as it was named to [`load`](super::load).
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A diagnostic at a byte of the text.
#[derive(Debug)]
pub(super) struct Diagnostic {
    at: usize,
    message: String,
}

impl Diagnostic {
    pub(super) fn new(span: &Range<usize>, message: impl Into<String>) -> Self {
        Self {
            at: span.start,
            message: message.into(),
        }
    }

    /// A text that is no TOML. Without a place of its own, it is at the end of the text.
    pub(super) fn syntax(error: &toml::de::Error, text: &str) -> Self {
        let at = error.span().map_or(text.len(), |span| span.start);
        let message = match error.message() {
            "duplicate key" => "the same key a second time; remove one of the two".to_owned(),
            message => message.replace(['\r', '\n'], " "),
        };
        Self {
            at,
            message: format!("this is not TOML: {message}"),
        }
    }

    pub(super) fn located(self, file: &str, text: &str) -> CatalogueError {
        let before = &text[..text.floor_char_boundary(self.at)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        CatalogueError {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: self.message,
        }
    }
}

/// How to go on after a word that is not among the known ones: the one that was probably meant, or
/// all of them after `or_all`.
pub(super) fn suggestion<'k>(
    wrong: &str,
    known: impl IntoIterator<Item = &'k str>,
    or_all: &str,
) -> String {
    let known: Vec<_> = known.into_iter().collect();
    let nearest = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(wrong, word), *word))
        .min();
    match nearest {
        // One slip in three characters is a typo; more is another word.
        Some((slips, word)) if slips <= (wrong.chars().count() / 3).max(1) => {
            format!("; did you mean \"{word}\"?")
        }
        Some(_) => format!("; {or_all} {}", known.join(", ")),
        None => String::new(),
    }
}
