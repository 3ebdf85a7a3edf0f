//! What callers call their batches, to find them again.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name, and value of a label, in characters.
const LONGEST_TEXT: usize = 128;
/// The longest key of a label, in characters.
const LONGEST_KEY: usize = 64;
/// The most labels of a batch.
const MOST_LABELS: usize = 16;

/// What a batch is called: 1 to 128 characters, none of them a control character. Many may be called the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BatchName(String);

/// Keys and values that a batch is labelled with: at most 16. Keys are 1 to 64 characters of a-z, 0-9, `-`, `_`, `.`
/// and `/` that begin with a letter or a digit; values are up to 128 characters, none of them a control character.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<String, String>",
    into = "BTreeMap<String, String>"
)]
pub struct Labels(BTreeMap<String, String>);

/// The text can't be what a batch is called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {LONGEST_TEXT} characters, none of them a control character")]
pub struct NotABatchName;

/// Why these can't be the labels of a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLabels {
    /// There are too many.
    #[error("{given} labels are too many; give at most {MOST_LABELS}")]
    TooMany {
        /// How many there are.
        given: usize,
    },
    /// A key is none.
    #[error(
        "keys of labels are 1 to {LONGEST_KEY} characters of a-z, 0-9, '-', '_', '.' and '/', and begin with a \
         letter or a digit"
    )]
    Key(String),
    /// A value is none.
    #[error(
        "values of labels have at most {LONGEST_TEXT} characters, none of them a control character"
    )]
    Value(String),
}

impl BatchName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Labels {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of these are among them.
    pub fn contain(&self, others: &Self) -> bool {
        let mut others = others.0.iter();
        others.all(|(key, value)| self.0.get(key) == Some(value))
    }

    /// Each key with its value, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

impl TryFrom<BTreeMap<String, String>> for Labels {
    type Error = NotLabels;

    fn try_from(given: BTreeMap<String, String>) -> Result<Self, NotLabels> {
        if given.len() > MOST_LABELS {
            return Err(NotLabels::TooMany { given: given.len() });
        }
        for (key, value) in &given {
            if !is_key(key) {
                return Err(NotLabels::Key(key.clone()));
            }
            if !is_text(value) {
                return Err(NotLabels::Value(key.clone()));
            }
        }
        Ok(Self(given))
    }
}

impl From<Labels> for BTreeMap<String, String> {
    fn from(labels: Labels) -> Self {
        labels.0
    }
}

/// `key:value`, several with commas between. A value with a comma can't be written so.
impl FromStr for Labels {
    type Err = NotLabels;

    fn from_str(text: &str) -> Result<Self, NotLabels> {
        let mut labels = BTreeMap::new();
        for label in text.split(',') {
            let (key, value) = label
                .split_once(':')
                .ok_or_else(|| NotLabels::Key(label.to_owned()))?;
            labels.insert(key.to_owned(), value.to_owned());
        }
        Self::try_from(labels)
    }
}

impl TryFrom<String> for BatchName {
    type Error = NotABatchName;

    fn try_from(name: String) -> Result<Self, NotABatchName> {
        if name.trim().is_empty() || !is_text(&name) {
            return Err(NotABatchName);
        }
        Ok(Self(name))
    }
}

impl From<BatchName> for String {
    fn from(name: BatchName) -> Self {
        name.0
    }
}

impl fmt::Display for BatchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= LONGEST_TEXT && !text.chars().any(char::is_control)
}

fn is_key(key: &str) -> bool {
    let in_keys = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_./".contains(&c);
    key.len() <= LONGEST_KEY
        && key.bytes().all(in_keys)
        && key.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_label_says_why() {
        for (text, error) in [
            ("season:autumn,shop.de/kind:shoe", None),
            ("season:", None),
            ("season", Some(NotLabels::Key("season".to_owned()))),
            ("Season:a", Some(NotLabels::Key("Season".to_owned()))),
            (":a", Some(NotLabels::Key(String::new()))),
            ("-a:a", Some(NotLabels::Key("-a".to_owned()))),
            ("a:\u{7}", Some(NotLabels::Value("a".to_owned()))),
        ] {
            assert_eq!(text.parse::<Labels>().err(), error, "{text}");
        }
        let labels = |number| -> BTreeMap<_, _> {
            let label = |n: usize| (format!("k{n}"), String::new());
            (0..number).map(label).collect()
        };
        assert!(Labels::try_from(labels(16)).is_ok());
        let given = 17;
        assert_eq!(
            Labels::try_from(labels(given)),
            Err(NotLabels::TooMany { given })
        );
    }

    #[test]
    fn a_name_is_a_line_of_text() {
        for (name, is_one) in [
            ("Autumn, part 2 – größer", true),
            (&*"é".repeat(128), true),
            (&*"é".repeat(129), false),
            ("", false),
            ("  ", false),
            ("a\nb", false),
        ] {
            assert_eq!(
                BatchName::try_from(name.to_owned()).is_ok(),
                is_one,
                "{name}"
            );
        }
    }

    #[test]
    fn labels_contain_some_of_them() {
        let labels: Labels = "a:1,b:2".parse().unwrap();
        for (others, contained) in [
            ("a:1", true),
            ("b:2,a:1", true),
            ("a:2", false),
            ("c:1", false),
        ] {
            assert_eq!(
                labels.contain(&others.parse().unwrap()),
                contained,
                "{others}"
            );
        }
        assert!(labels.contain(&Labels::default()));
    }
}
