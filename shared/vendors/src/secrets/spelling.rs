//! One text in the many spellings of URLs, JSON and HTML.
//!
//! Which characters are escaped is up to whoever writes, and so is how; so texts are compared character by
//! character, each as it is or in any escape that means it.

/// What HTML calls characters that keys and URLs have (a part of
/// <https://html.spec.whatwg.org/multipage/named-characters.html>).
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("sol", '/'),
    ("bsol", '\\'),
    ("plus", '+'),
    ("equals", '='),
    ("colon", ':'),
    ("semi", ';'),
    ("comma", ','),
    ("period", '.'),
    ("excl", '!'),
    ("quest", '?'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("ast", '*'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("rsqb", ']'),
    ("lcub", '{'),
    ("rcub", '}'),
    ("commat", '@'),
    ("lowbar", '_'),
    ("verbar", '|'),
    ("Hat", '^'),
    ("grave", '`'),
    ("nbsp", ' '),
];
/// The longest reference of HTML that is read, with its `&` and `;`.
const MAX_REFERENCE_CHARS: usize = 16;

/// Where a spelling of `wanted` that begins at `at` ends; `None` when none does. Of several, the longest.
pub(super) fn find_at(text: &str, at: usize, wanted: &str) -> Option<usize> {
    let first = *wanted.as_bytes().first()?;
    let begins = *text.as_bytes().get(at)?;
    if begins != first && !matches!(begins, b'%' | b'+' | b'\\' | b'&') {
        return None;
    }
    // A spelling of one character may begin with another, as `%25` does with `%`: each way is followed.
    let mut ends = vec![at];
    for character in wanted.chars() {
        let mut next = Vec::new();
        for end in ends {
            push_ends(text, end, character, &mut next);
        }
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return None;
        }
        ends = next;
    }
    ends.last().copied()
}

/// Adds where spellings of a character that begin at `at` end.
fn push_ends(text: &str, at: usize, wanted: char, ends: &mut Vec<usize>) {
    let Some(rest) = text.get(at..) else {
        return;
    };
    if rest.starts_with(wanted) {
        ends.push(at + wanted.len_utf8());
    }
    // In a form that is sent as a URL is.
    if wanted == ' ' && rest.starts_with('+') {
        ends.push(at + 1);
    }
    if let Some((character, length)) = escape(rest)
        && character == wanted
    {
        ends.push(at + length);
    }
}

/// A text without its escapes, and where each of its bytes comes from.
#[derive(Debug)]
pub(super) struct Unescaped {
    pub(super) text: String,
    /// For each byte of the text, and for its end, where in the original it comes from.
    places: Vec<usize>,
}

impl Unescaped {
    /// A text as it is.
    pub(super) fn not(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            places: (0..=text.len()).collect(),
        }
    }

    /// The same with its escapes taken away once; `None` when there is none.
    pub(super) fn once_more(&self) -> Option<Self> {
        let mut text = String::with_capacity(self.text.len());
        let mut places = Vec::with_capacity(self.places.len());
        let mut at = 0;
        while let Some(character) = self.text[at..].chars().next() {
            let (character, length) =
                escape(&self.text[at..]).unwrap_or((character, character.len_utf8()));
            text.push(character);
            places.resize(text.len(), self.place(at));
            at += length;
        }
        places.push(self.place(at));
        (text.len() < self.text.len()).then_some(Self { text, places })
    }

    /// Where in the original this place comes from.
    pub(super) fn place(&self, at: usize) -> usize {
        self.places.get(at).copied().unwrap_or_default()
    }
}

/// The character that an escape at the beginning of a text means, and the length of the escape.
fn escape(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().first()? {
        b'%' => percent(text),
        b'\\' => backslash(text),
        b'&' => reference(text),
        _ => None,
    }
}

/// `%XX` for each byte (RFC 3986, section 2.1).
fn percent(text: &str) -> Option<(char, usize)> {
    let mut bytes = Vec::with_capacity(4);
    while bytes.len() < 4 {
        let at = bytes.len() * 3;
        let digits = text.get(at..at + 3)?.strip_prefix('%')?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        if let Ok(character) = std::str::from_utf8(&bytes) {
            return Some((character.chars().next()?, bytes.len() * 3));
        }
    }
    None
}

/// An escape of JSON (RFC 8259, section 7), or of one of the languages around it.
fn backslash(text: &str) -> Option<(char, usize)> {
    let escape = *text.as_bytes().get(1)?;
    let meant = match escape {
        b'u' => return utf16(text),
        b'x' => {
            let code = u32::from_str_radix(text.get(2..4)?, 16).ok()?;
            return Some((char::from_u32(code)?, 4));
        }
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'"' | b'\\' | b'/' | b'\'' => char::from(escape),
        _ => return None,
    };
    Some((meant, 2))
}

/// `\uXXXX`, or two of them for what UTF-16 has in two units.
fn utf16(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(0)?;
    if let Some(Ok(character)) = char::decode_utf16([first]).next() {
        return Some((character, 6));
    }
    let character = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((character, 12))
}

/// A character reference of HTML: `&amp;`, `&#38;` or `&#x26;`.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text
        .bytes()
        .take(MAX_REFERENCE_CHARS)
        .position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let meant = match name.strip_prefix('#') {
        Some(code) => {
            let code = match code.strip_prefix(['x', 'X']) {
                Some(code) => u32::from_str_radix(code, 16).ok()?,
                None => code.parse().ok()?,
            };
            char::from_u32(code)?
        }
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((meant, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_may_be_written_in_its_own_way() {
        let wanted = "a&b \u{1F511}%25";
        for text in [
            wanted,
            "a%26b+%F0%9F%94%91%2525",
            "a\\u0026b \\ud83d\\uDD11\\u002525",
            "&#97;&amp;b&#x20;&#x1f511;&percnt;25",
            "\\x61&b%20\u{1F511}%2525",
        ] {
            assert_eq!(find_at(text, 0, wanted), Some(text.len()), "{text}");
            let within = format!("é{text}é");
            assert_eq!(find_at(&within, 2, wanted), Some(text.len() + 2));
        }
    }

    #[test]
    fn escapes_are_taken_away_layer_by_layer() {
        let text = "<a%2525é\\\\u0041&amp;lt;>";
        let once = Unescaped::not(text).once_more().unwrap();
        assert_eq!(once.text, "<a%25é\\u0041&lt;>");
        let twice = once.once_more().unwrap();
        assert_eq!(twice.text, "<a%éA<>");
        let thrice = twice.once_more();
        assert!(thrice.is_none(), "{thrice:?}");
        for (at, character) in twice.text.char_indices() {
            let place = twice.place(at);
            let expected = match character {
                'A' => text.find('\\'),
                '<' if at > 0 => text.find('&'),
                other => text.find(other),
            };
            assert_eq!(Some(place), expected, "{character}");
        }
        assert_eq!(twice.place(twice.text.len()), text.len());
    }

    #[test]
    fn what_is_no_spelling_is_none() {
        for text in [
            "",
            "a",
            "A&b",
            "a&",
            "a%2",
            "a%2z",
            "a%27b",
            "a\\",
            "a\\u00",
            "a\\u0027b",
            "a&amp",
            "a&#;b",
            "a&#x;b",
            "a&lt;b",
            "aé",
            "a%é",
            "a\\ué",
            "a&é;b",
            "a+b",
        ] {
            assert_eq!(find_at(text, 0, "a&b"), None, "{text}");
        }
        assert_eq!(find_at("abc", 3, "a"), None);
        assert_eq!(find_at("abc", 0, ""), None);
    }
}
