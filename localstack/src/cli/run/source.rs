//! One thing to process.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::print::clean;

/// What an asset is taken from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// A file, by its absolute path.
    File(PathBuf),
    /// A URL.
    Url(String),
}

/// The line of a list that names a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) list: Arc<str>,
    pub(crate) number: u64,
}

/// One thing to process.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) origin: Origin,
    /// As its user wrote it.
    pub(crate) shown: String,
    pub(crate) line: Option<Line>,
    /// The folders that its name stands in, as far as they are of interest.
    pub(crate) folder: PathBuf,
    /// The name of the file, or what a URL has in its place.
    pub(crate) file_name: String,
}

impl Source {
    /// What it is called in a journal, wherever the command runs.
    pub(crate) fn identity(&self) -> String {
        match &self.origin {
            Origin::File(path) => as_text(path.as_os_str()),
            Origin::Url(url) => url.clone(),
        }
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path) => Some(path),
            Origin::Url(_) => None,
        }
    }

    /// Its name without the ending.
    pub(crate) fn stem(&self) -> &str {
        match self.file_name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => &self.file_name,
        }
    }
}

/// A name, and what is no UTF-8 in it as escapes: no two have the same text.
pub(super) fn as_text(name: &OsStr) -> String {
    match name.to_str() {
        Some(text) => text.to_owned(),
        None => name.as_encoded_bytes().escape_ascii().to_string(),
    }
}

/// As an error names it: with its line, where it is of a list.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Line { list, number }) = &self.line {
            write!(f, "{list}:{number}: ")?;
        }
        f.write_str(&clean(&self.shown))
    }
}
