//! Secrets: referred to by name, never shown.

mod extension;
mod mask;
mod spelling;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use assetmill_core::{FailureCode, OperationError};

pub use extension::Extension;
pub(crate) use mask::MIN_CHARS as MIN_SECRET_CHARS;

use mask::Mask;

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretName {
    /// In this environment variable; or, on Lambda, under its name in the secret that [`BUNDLE`] names.
    Env(String),
    /// In this parameter of AWS Systems Manager.
    Ssm(String),
    /// In this secret of AWS Secrets Manager.
    SecretsManager(String),
}

/// The secrets of one operation. `Debug` shows their names alone.
#[derive(Clone, Default)]
pub struct Secrets {
    found: BTreeMap<SecretName, String>,
    missing: Vec<String>,
    /// Those that are asked for when they are needed, and not found yet.
    remote: Vec<SecretName>,
    /// What was made of them and sent.
    sent: Vec<String>,
    mask: OnceLock<Mask>,
}

/// The environment variable that names a secret of AWS in which the values of other variables stand, as a JSON object:
/// `ssm:/name` or `secretsmanager:name`. So one catalogue does for one machine and for functions, of which whoever may
/// see how they are configured sees the plain environment.
pub const BUNDLE: &str = "ASSETMILL_VENDOR_SECRETS";
/// The environment variable that names what is in it, separated by commas. It is known before the secret is asked for,
/// which a function can't while it starts.
pub const BUNDLED: &str = "ASSETMILL_VENDOR_KEYS";

/// The text names no secret of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give ssm:/name, or secretsmanager: and the name or ARN of a secret")]
pub struct NotASecretName;

/// The most bytes of a text that are looked through for secrets.
const MAX_MASKED_BYTES: usize = 64 * 1024;

impl FromStr for SecretName {
    type Err = NotASecretName;

    /// Reads the name of a secret of AWS, as it stands in a setting.
    fn from_str(text: &str) -> Result<Self, NotASecretName> {
        match text.split_once(':') {
            Some(("ssm", name)) if !name.is_empty() => Ok(Self::Ssm(name.to_owned())),
            Some(("secretsmanager", name)) if !name.is_empty() => {
                Ok(Self::SecretsManager(name.to_owned()))
            }
            _ => Err(NotASecretName),
        }
    }
}

impl SecretName {
    /// What operators know it by.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Env(name) | Self::Ssm(name) | Self::SecretsManager(name) => name,
        }
    }
}

impl Secrets {
    /// Looks environment variables up by name. Values are trimmed, since keys are often read from files
    /// that end in a newline; an empty value counts as missing.
    pub fn look_up(
        names: impl IntoIterator<Item = SecretName>,
        look_up: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut secrets = Self::default();
        let bundled = look_up(BUNDLE).and(look_up(BUNDLED)).unwrap_or_default();
        let is_bundled = |name: &str| bundled.split(',').any(|bundled| bundled.trim() == name);
        for name in names {
            let SecretName::Env(variable) = &name else {
                secrets.remote.push(name);
                continue;
            };
            match look_up(variable).as_deref().map(str::trim) {
                Some(value) if !value.is_empty() => {
                    let value = value.to_owned();
                    secrets.found.insert(name, value);
                }
                _ if is_bundled(variable) => secrets.remote.push(name),
                _ => secrets.missing.push(variable.clone()),
            }
        }
        secrets
    }

    /// These secrets with those of AWS, which the extension keeps for as long as it was told to.
    ///
    /// # Errors
    /// A permanent error, where it refuses one; a transient one, where it can't be asked.
    pub(crate) async fn resolved(
        &self,
        extension: Option<&Extension>,
    ) -> Result<Cow<'_, Self>, OperationError> {
        if self.remote.is_empty() {
            return Ok(Cow::Borrowed(self));
        }
        let extension = extension.ok_or_else(|| {
            OperationError::permanent(FailureCode::OperationUnavailable, extension::ABSENT)
        })?;
        let mut resolved = self.clone();
        for name in std::mem::take(&mut resolved.remote) {
            let value = extension.get(&name).await?;
            resolved.found.insert(name, value);
        }
        resolved.mask = OnceLock::new();
        Ok(Cow::Owned(resolved))
    }

    /// These secrets, and what was made of them for a vendor: it is masked as they are.
    pub(crate) fn with_sent(self, sent: Vec<String>) -> Self {
        Self {
            sent,
            mask: OnceLock::new(),
            ..self
        }
    }

    /// The value of a secret; `None` when it is missing.
    pub(crate) fn get(&self, name: &SecretName) -> Option<&str> {
        self.found.get(name).map(String::as_str)
    }

    /// What the operator has to do when secrets are missing.
    pub(crate) fn remedy(&self, extension: Option<&Extension>) -> Option<String> {
        match self.missing.as_slice() {
            [] if self.remote.is_empty() || extension.is_some() => None,
            [] => Some(extension::ABSENT.to_owned()),
            [name] => Some(format!("set the environment variable {name}")),
            names => Some(format!(
                "set the environment variables {}",
                names.join(", ")
            )),
        }
    }

    /// The names of the secrets that were found.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.found.keys().map(SecretName::as_str)
    }

    /// The text with each secret, and what was made of one, replaced by `***` in every spelling, cut to
    /// so many characters.
    pub(crate) fn mask(&self, text: &str, max_chars: usize) -> String {
        let mask = self
            .mask
            .get_or_init(|| Mask::of(self.found.values().chain(&self.sent).map(String::as_str)));
        let looked_through = &text[..text.floor_char_boundary(MAX_MASKED_BYTES)];
        // Masked before it is cut, lest half a secret be left at the end.
        let masked = mask.apply(looked_through);
        match masked.char_indices().nth(max_chars) {
            Some((end, _)) => format!("{}…", &masked[..end]),
            None if looked_through.len() == text.len() => masked,
            // So many secrets that little is left of the text: half of one may stand at its end.
            None => "***…".to_owned(),
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("found", &self.found.keys())
            .field("missing", &self.missing)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> SecretName {
        SecretName::Env(name.to_owned())
    }

    fn secrets() -> Secrets {
        let names = ["SHORT", "LONG", "SPACED", "EMPTY", "UNSET"].map(env);
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
            secrets().mask(
                "key=hunter2&long=hunter2-and-more&x=a b/c&y=a%20b%2Fc&z=other",
                99
            ),
            "key=***&long=***&x=***&y=***&z=other"
        );
        let secrets = secrets().with_sent(vec!["made-of-it".to_owned()]);
        assert_eq!(secrets.mask("made-of-it, hunter2", 99), "***, ***");
    }

    #[test]
    fn no_part_of_a_secret_is_left_where_a_text_is_cut() {
        for chars in 0..12 {
            let shown = secrets().mask("hunter2-and-more hunter2", chars);
            assert!(!shown.contains("hun"), "{shown}");
        }
        // More than is looked through, in which a secret is cut in two.
        for shift in 0..8 {
            let long = format!("{}{}", " ".repeat(shift), "hunter2".repeat(20_000));
            let shown = secrets().mask(&long, usize::MAX);
            assert!(!shown.contains('h'), "{}", shown.len());
        }
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
            secrets().remedy(None).as_deref(),
            Some("set the environment variables EMPTY, UNSET")
        );
        assert_eq!(secrets().get(&env("SPACED")), Some("a b/c"));
    }
}
