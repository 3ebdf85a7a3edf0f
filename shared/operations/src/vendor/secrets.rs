//! Secrets: looked up once by name, never shown.

use std::collections::BTreeMap;
use std::fmt;

use super::template::percent_encoded;

/// The secrets of one operation. `Debug` shows their names alone.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    found: BTreeMap<String, String>,
    missing: Vec<String>,
}

impl Secrets {
    /// Looks each name up. Values are trimmed, since keys are often read from files that end in a
    /// newline; an empty value counts as missing.
    pub(crate) fn look_up(
        names: impl IntoIterator<Item = String>,
        look_up: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut secrets = Self::default();
        for name in names {
            let value = look_up(&name).map(|value| value.trim().to_owned());
            match value.filter(|value| !value.is_empty()) {
                Some(value) => {
                    secrets.found.insert(name, value);
                }
                None => secrets.missing.push(name),
            }
        }
        secrets
    }

    /// The value of a secret; `None` when it is missing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.found.get(name).map(String::as_str)
    }

    /// What the operator has to do when secrets are missing.
    pub(crate) fn remedy(&self) -> Option<String> {
        match self.missing.as_slice() {
            [] => None,
            [name] => Some(format!("set the environment variable {name}")),
            names => Some(format!(
                "set the environment variables {}",
                names.join(", ")
            )),
        }
    }

    /// The names of the secrets that were found.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.found.keys().map(String::as_str)
    }

    /// The text with each secret, as it is or as it stands in a URL, replaced by `***`.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mut spellings: Vec<String> = self
            .found
            .values()
            .flat_map(|value| [value.clone(), percent_encoded(value)])
            .collect();
        // Longest first, lest a secret that begins another leaves the other's end standing.
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("found", &self.found.keys())
            .field("missing", &self.missing)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let names = ["SHORT", "LONG", "SPACED", "EMPTY", "UNSET"].map(str::to_owned);
        Secrets::look_up(names, &|name| match name {
            "SHORT" => Some("hunter2".to_owned()),
            "LONG" => Some("hunter2-and-more".to_owned()),
            "SPACED" => Some("a b/c\n".to_owned()),
            "EMPTY" => Some(" ".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_secret_is_masked_in_every_spelling() {
        assert_eq!(
            secrets().mask("key=hunter2&long=hunter2-and-more&x=a b/c&y=a%20b%2Fc&z=other"),
            "key=***&long=***&x=***&y=***&z=other"
        );
    }

    #[test]
    fn debug_output_names_secrets_and_does_not_tell_them() {
        let shown = format!("{:?}", secrets());
        assert!(shown.contains("SHORT"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_is_missing_or_empty_is_asked_for() {
        assert_eq!(
            secrets().remedy().as_deref(),
            Some("set the environment variables EMPTY, UNSET")
        );
        assert_eq!(secrets().get("SPACED"), Some("a b/c"));
    }
}
