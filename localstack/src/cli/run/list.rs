//! Lists of sources: one a line, or a table in CSV (RFC 4180), or an object a line (NDJSON).

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::source::{Line, Source};
use super::sources::{SourceError, is_url, of_line};

/// What the column, or the member, with the source is called; the first that is there.
const NAMES: &[&str] = &[
    "digital_asset_url",
    "url",
    "image_url",
    "image",
    "source",
    "path",
    "file",
];
/// Some millions of sources.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The sources that a file lists.
pub(super) fn of_file(path: &Path) -> Result<Vec<Source>, SourceError> {
    let text = File::open(path).and_then(read);
    let text = text.map_err(|source| SourceError::File {
        path: path.to_owned(),
        source,
    })?;
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let list: Arc<str> = path.display().to_string().into();
    match ending.to_str() {
        Some("csv") => of_csv(&list, &text),
        _ => of_lines(&list, &text),
    }
}

/// The sources that stdin lists.
pub(super) fn of_stdin() -> Result<Vec<Source>, SourceError> {
    let text = read(io::stdin()).map_err(|source| SourceError::File {
        path: "-".into(),
        source,
    })?;
    of_lines(&"-".into(), &text)
}

/// A list, which is no endless one.
fn read(list: impl io::Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    list.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("the list is larger than 64 MiB"));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
        return Err(io::Error::other("the list is no UTF-8; save it as that"));
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// A line is a source; one in braces or quotes is JSON. Empty lines, and those that begin with `#`, are none.
fn of_lines(list: &Arc<str>, text: &str) -> Result<Vec<Source>, SourceError> {
    let lines = text.trim_start_matches('\u{feff}').lines();
    let mut sources = Vec::new();
    for (number, text) in (1..).zip(lines) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let place = if text.starts_with(['{', '"']) {
            of_json(text).map_err(|reason| wrong(list, number, reason))?
        } else {
            text.to_owned()
        };
        sources.push(source(list, number, &place)?);
    }
    Ok(sources)
}

fn of_json(text: &str) -> Result<String, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    let named = NAMES.iter().find_map(|name| value.get(name)?.as_str());
    let place = value.as_str().or(named);
    place
        .map(ToOwned::to_owned)
        .ok_or_else(|| format!("the object names no source; give it as {:?}", NAMES[0]))
}

fn of_csv(list: &Arc<str>, text: &str) -> Result<Vec<Source>, SourceError> {
    let text = text.trim_start_matches('\u{feff}');
    // Spreadsheets of some countries write semicolons.
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|delimiter| first.bytes().filter(|byte| byte == delimiter).count())
        .filter(|delimiter| first.as_bytes().contains(delimiter));
    let mut table = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut column = None;
    let mut sources = Vec::new();
    for row in table.records() {
        let row = row.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            wrong(list, line, error.to_string())
        })?;
        let line = row.position().map_or(0, csv::Position::line);
        let Some(column) = column else {
            let called = |name: &&str| {
                row.iter()
                    .position(|title| title.eq_ignore_ascii_case(name))
            };
            let titled = NAMES.iter().find_map(called);
            column = Some(titled.unwrap_or(0));
            // A table without titles begins with a source.
            if titled.is_none()
                && let Some(place) = row.get(0)
            {
                if !is_url(place) && !Path::new(place).exists() {
                    let reason = format!("no column is called {}", NAMES.join(", or "));
                    return Err(wrong(list, line, reason));
                }
                sources.push(source(list, line, place)?);
            }
            continue;
        };
        match row.get(column) {
            None | Some("") => {}
            Some(place) => sources.push(source(list, line, place)?),
        }
    }
    Ok(sources)
}

fn source(list: &Arc<str>, number: u64, place: &str) -> Result<Source, SourceError> {
    let line = Line {
        list: list.clone(),
        number,
    };
    of_line(place, line).map_err(|error| wrong(list, number, error.to_string()))
}

fn wrong(list: &str, line: u64, reason: String) -> SourceError {
    SourceError::List {
        list: list.to_owned(),
        line,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sources: &[Source]) -> Vec<String> {
        sources.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_are_sources_or_json() {
        let text = "\u{feff}https://example.com/a.jpg\n\n# no source\n{\"url\": \"b.jpg\", \"sku\": 1}\n\"c.jpg\"\n";
        let sources = of_lines(&"l".into(), text).unwrap();
        assert_eq!(
            shown(&sources),
            ["l:1: https://example.com/a.jpg", "l:4: b.jpg", "l:5: c.jpg"]
        );
        let error = of_lines(&"l".into(), "a.jpg\n{\"sku\": 1}").unwrap_err();
        assert!(
            error.to_string().starts_with("l:2: the object names"),
            "{error}"
        );
    }

    #[test]
    fn a_table_has_a_column_for_them() {
        let text = "sku,URL\n1,https://example.com/a.jpg\n2,\n3,\"b,c.jpg\"\n";
        let sources = of_csv(&"t".into(), text).unwrap();
        assert_eq!(
            shown(&sources),
            ["t:2: https://example.com/a.jpg", "t:4: b,c.jpg"]
        );
        let sources = of_csv(&"t".into(), "http://a/a.jpg\nb.jpg\n").unwrap();
        assert_eq!(shown(&sources), ["t:1: http://a/a.jpg", "t:2: b.jpg"]);
        let sources = of_csv(&"t".into(), "name;url\nx,y;http://a/a.jpg\n").unwrap();
        assert_eq!(shown(&sources), ["t:2: http://a/a.jpg"]);
        let error = of_csv(&"t".into(), "sku,picture\n1,http://a/a.jpg\n").unwrap_err();
        assert!(
            error.to_string().starts_with("t:1: no column is called"),
            "{error}"
        );
    }
}
