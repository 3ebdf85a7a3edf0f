//! Masks: texts of vendors without what was sent to them in confidence.
//!
//! A vendor that repeats a request shows it as whatever made its answer writes texts, so a value is
//! looked for in each spelling, under several layers of escapes, and as the part of a longer text in base64 or
//! hexadecimal.

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::spelling::{self, Unescaped};

/// What stands where something was masked.
const MASKED: &str = "***";
/// The shortest value, in characters, that is looked for within words, in base64 and in hexadecimal. One
/// that is shorter stands in too many texts by chance, and is masked where it stands alone.
pub(crate) const MIN_CHARS: usize = 4;
/// The fewest characters of base64 by which a value is recognised: fewer stand there by chance.
const MIN_BASE64_CHARS: usize = 6;

/// How many times a value may be escaped on top of the way that it is written: a URL of a URL in JSON.
const LAYERS: usize = 4;

/// Values that are not shown, in any spelling.
#[derive(Debug, Clone, Default)]
pub(super) struct Mask(Vec<Needle>);

#[derive(Clone, PartialEq, Eq)]
struct Needle {
    text: String,
    reach: Reach,
}

/// How much is masked where a needle was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The needle, wherever it is.
    Itself,
    /// The needle, unless it is part of a word.
    Word,
    /// The needle and all around it that may be of the same base64.
    Run,
}

impl Mask {
    /// A mask of these values.
    pub(super) fn of<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut needles: Vec<_> = values
            .into_iter()
            .filter(|value| !value.is_empty())
            .flat_map(needles)
            .collect();
        // Longest first, lest a value that begins another leaves the other's end standing.
        needles.sort_by(|one, other| {
            let length = |needle: &Needle| needle.text.len();
            (length(other), &one.text).cmp(&(length(one), &other.text))
        });
        needles.dedup();
        Self(needles)
    }

    /// The text with each of the values replaced by `***`.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut shown = 0;
        for (start, end) in self.places_in(text) {
            masked.push_str(&text[shown..start]);
            masked.push_str(MASKED);
            shown = end;
        }
        masked.push_str(&text[shown..]);
        masked
    }

    /// From where to where values stand in a text, in order. JSON may hold a URL, and that another.
    fn places_in(&self, text: &str) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        let mut layer = Some(Unescaped::not(text));
        for _ in 0..LAYERS {
            let Some(unescaped) = layer else {
                break;
            };
            let found = self.places_as_written(&unescaped.text);
            let in_text = |(start, end)| (unescaped.place(start), unescaped.place(end));
            places.extend(found.into_iter().map(in_text));
            layer = unescaped.once_more();
        }
        places.sort_unstable();
        let mut apart: Vec<(usize, usize)> = Vec::new();
        for (start, end) in places {
            match apart.last_mut() {
                Some((_, last)) if start < *last => *last = end.max(*last),
                _ => apart.push((start, end)),
            }
        }
        apart
    }

    fn places_as_written(&self, text: &str) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        let mut from = 0;
        let mut at = 0;
        while let Some(character) = text[at..].chars().next() {
            let found = self.0.iter().find_map(|needle| {
                let end = spelling::find_at(text, at, &needle.text)?;
                needle.reach.around(text, from, at, end)
            });
            if let Some((start, end)) = found {
                places.push((start, end));
                from = end;
                at = end;
            } else {
                at += character.len_utf8();
            }
        }
        places
    }
}

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASKED)
    }
}

impl Reach {
    /// From where to where a text is masked in which a needle was found, if it is. What was masked before
    /// ends at `from`.
    fn around(self, text: &str, from: usize, start: usize, end: usize) -> Option<(usize, usize)> {
        match self {
            Self::Itself => Some((start, end)),
            Self::Word => {
                let before = text[..start].chars().next_back();
                let after = text[end..].chars().next();
                let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                (alone(before) && alone(after)).then_some((start, end))
            }
            Self::Run => {
                let before = run(text[from..start].bytes().rev());
                Some((start - before, end + run(text[end..].bytes())))
            }
        }
    }
}

/// How many bytes may be of the same base64. A slash that ends them may, too; but more often it parts what
/// stands before it in a URL from what comes after.
fn run(bytes: impl Iterator<Item = u8> + Clone) -> usize {
    let of_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-_=".contains(byte);
    match bytes.clone().take_while(of_base64).count() {
        0 => bytes.take(1).filter(|byte| *byte == b'/').count(),
        more => more,
    }
}

fn needles(value: &str) -> Vec<Needle> {
    let needle = |text: String, reach| Needle { text, reach };
    if value.chars().count() < MIN_CHARS {
        return vec![needle(value.to_owned(), Reach::Word)];
    }
    let hexadecimal = hex::encode(value);
    let mut needles = vec![
        needle(value.to_owned(), Reach::Itself),
        needle(hexadecimal.to_ascii_uppercase(), Reach::Itself),
        needle(hexadecimal, Reach::Itself),
    ];
    for before in 0..3 {
        let alphabets = [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD];
        for text in alphabets.map(|alphabet| within_base64(alphabet, before, value)) {
            if text.len() >= MIN_BASE64_CHARS {
                needles.push(needle(text, Reach::Run));
            }
        }
    }
    needles
}

/// The characters of a longer text in base64 that a value makes alone, when so many bytes come before it
/// in a group of three: a character has six bits, so those at its ends have bits of others too.
fn within_base64(alphabet: &impl base64::Engine, before: usize, value: &str) -> String {
    let bytes = [vec![0; before], value.as_bytes().to_vec()].concat();
    let encoded = alphabet.encode(&bytes);
    let first = (before * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    encoded.get(first..last).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;
    use crate::template::percent_encoded;

    fn json_escaped(value: &str) -> String {
        let quoted = serde_json::Value::from(value).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    }

    const SECRET: &str = "sk/V3ry+\"secret\"&key?>~ é";

    fn masked(text: &str) -> String {
        Mask::of([SECRET]).apply(text)
    }

    #[test]
    fn a_secret_is_masked_in_every_spelling() {
        let slashes = r#"sk\/V3ry+\"secret\"&key?>~ é"#;
        let unicode_escaped = r"sk\u002fV3ry\u002B\u0022secret\u0022\u0026key?\u003e~ \u00e9";
        let named = "sk/V3ry+&quot;secret&quot;&amp;key?&gt;~ é";
        let decimal = "sk&#47;V3ry&#43;&#34;secret&#034;&#38;key?&#62;~ &#233;";
        let hexadecimal = "sk&#x2F;V3ry&#x2b;&#X22;secret&#x22;&#x26;key?&#x3E;~ &#xE9;";
        let upper = percent_encoded(SECRET);
        let lower = upper.replace("%2F", "%2f").replace("%C3%A9", "%c3%a9");
        let form = upper.replace("%20", "+").replace('~', "%7E");
        let component = upper.replace("%2F", "/");
        let twice = percent_encoded(&upper);
        let thrice = json_escaped(&percent_encoded(&lower)).replace('%', "\\u0025");
        let json_twice = json_escaped(&json_escaped(SECRET));
        let hex = hex::encode(SECRET);
        for spelling in [
            SECRET,
            slashes,
            unicode_escaped,
            named,
            decimal,
            hexadecimal,
            &upper,
            &lower,
            &form,
            &component,
            &twice,
            &thrice,
            &json_twice,
            &hex,
            &hex.to_ascii_uppercase(),
            &STANDARD.encode(SECRET),
            &URL_SAFE.encode(SECRET),
            &STANDARD_NO_PAD.encode(SECRET),
            &URL_SAFE_NO_PAD.encode(SECRET),
        ] {
            let text = format!("you sent \"{spelling}\", twice: <{spelling}>");
            assert_eq!(
                masked(&text),
                "you sent \"***\", twice: <***>",
                "{spelling}"
            );
        }
    }

    #[test]
    fn a_secret_is_masked_within_longer_base64() {
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", ":", ":p", ":pw"] {
                let text = format!("{before}{SECRET}{after}");
                for encoded in [
                    STANDARD.encode(&text),
                    URL_SAFE.encode(&text),
                    STANDARD_NO_PAD.encode(&text),
                    STANDARD.encode(&text).replace('/', "\\/"),
                ] {
                    let shown = masked(&format!("Basic {encoded}."));
                    assert!(shown.starts_with("Basic ***"), "{shown}");
                    assert!(shown.len() < "Basic ***".len() + 8, "{shown}");
                }
            }
        }
    }

    #[test]
    fn values_that_overlap_leave_nothing() {
        let mask = Mask::of(["hunter2", "hunter2-and-more", "more-and-more"]);
        assert_eq!(mask.apply("hunter2-and-more"), "***");
        assert_eq!(mask.apply("hunter2-and-more-and-more"), "***-and-more");
        assert_eq!(mask.apply("hunter22hunter2"), "***2***");
    }

    #[test]
    fn a_short_value_masks_no_other_words() {
        let mask = Mask::of(["a", "ab", ""]);
        assert_eq!(
            mask.apply("a cab, ab; a=1 data"),
            "*** cab, ***; ***=1 data"
        );
        let text = "The quick brown fox jumps over the lazy dog, 0123456789 times";
        assert_eq!(Mask::of(["abcd", "x1"]).apply(text), text);
    }

    #[test]
    fn debug_output_shows_no_value() {
        assert!(!format!("{:?}", Mask::of([SECRET])).contains("V3ry"));
    }

    proptest::proptest! {
        /// Whatever is said around them, values do not stand in what is shown.
        #[test]
        fn nothing_is_left_of_a_value(
            before in "\\PC{0,12}", after in "\\PC{0,12}", value in "[a-zA-Z0-9/+\"&<%é -]{8,24}",
        ) {
            let mask = Mask::of([value.as_str()]);
            for spelling in [
                value.clone(),
                percent_encoded(&value),
                json_escaped(&value),
                STANDARD.encode(&value),
            ] {
                let shown = mask.apply(&format!("{before}{spelling}{after}"));
                proptest::prop_assert!(!shown.contains(&spelling), "{}", shown);
            }
        }
    }
}
