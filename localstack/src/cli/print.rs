//! What is printed for people, and for programs.

use std::fmt::Write as _;
use std::io::{self, Write};

use console::measure_text_width;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use super::CliError;

/// What an id may have in a path as it is.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A text from elsewhere as one line that does nothing to a terminal: without control characters, and without those that
/// turn the direction of what follows.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|it| is_harmless(*it)).collect()
}

fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A time in UTC, to the second.
pub(crate) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A word with a number: `1 flow`, `2 flows`.
pub(crate) fn many(count: u32, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

/// What a person gave as an id, as a part of a path: whether it is one, the server says.
pub(crate) fn segment(id: &str) -> String {
    utf8_percent_encode(id, IN_PATHS).to_string()
}

/// What was answered, as that which it should be.
///
/// # Errors
/// [`CliError::NotUnderstood`] where it is not.
pub(crate) fn understood<T: DeserializeOwned>(value: Value) -> Result<T, CliError> {
    serde_json::from_value(value).map_err(CliError::NotUnderstood)
}

/// Prints JSON as one line. What would act on a terminal is escaped: JSON itself asks that of less (RFC 8259, section 7).
pub(crate) fn json_line(out: &mut impl Write, value: &Value) -> io::Result<()> {
    let text = value.to_string();
    if text.chars().all(is_harmless) {
        return writeln!(out, "{text}");
    }
    // Outside of strings there is nothing of the kind.
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmless(character) {
            escaped.push(character);
        } else {
            // All of them are in the first plane.
            write!(escaped, "\\u{:04x}", u32::from(character)).map_err(io::Error::other)?;
        }
    }
    writeln!(out, "{escaped}")
}

/// Prints rows below their heads, in columns. What stands in them is [cleaned](clean).
pub(crate) fn table<const COLUMNS: usize>(
    out: &mut impl Write,
    heads: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> io::Result<()> {
    let heads = heads.map(str::to_owned);
    let rows: Vec<_> = std::iter::once(&heads)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| clean(cell)))
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| measure_text_width(&row[column]));
        cells.max().unwrap_or_default()
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            let missing = width.saturating_sub(measure_text_width(cell));
            line.extend(std::iter::repeat_n(' ', missing + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Whether nobody else is on the way to a server.
pub(crate) fn is_loopback(server: &Url) -> bool {
    match server.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether an error says that whoever read what is printed has gone.
pub(crate) fn is_unread(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_table_moves_the_cursor() {
        let mut out = Vec::new();
        let row = ["a\x1b[2J\nb\u{202e}".to_owned(), "ü\u{9b}".to_owned()];
        table(&mut out, ["NAME", "X"], &[row]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "NAME   X\na[2Jb  ü\n");
    }

    #[test]
    fn nothing_in_json_moves_the_cursor_and_it_reads_back() {
        let value = serde_json::json!({ "ü\u{9b}": "\u{1b}[2J\u{7f}\u{202e}\n" });
        let mut out = Vec::new();
        json_line(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "{\"ü\\u009b\":\"\\u001b[2J\\u007f\\u202e\\n\"}\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn an_id_is_one_part_of_a_path() {
        assert_eq!(segment("../batches?x#y"), "%2E%2E%2Fbatches%3Fx%23y");
    }
}
