//! Changes of `callers.toml` that leave the rest of it as somebody wrote it.

use std::fmt::Write as _;

use assetmill_core::TenantId;
use jiff::Timestamp;

use super::digest::KeyDigest;
use super::file::{self, BadCallers, Document};

/// A key that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// On whose behalf its holder will call.
    pub tenant: TenantId,
    /// What logs will call it; 1 to 64 visible ASCII characters or spaces.
    pub name: String,
    /// What is kept of it.
    pub digest: KeyDigest,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is not taken any more.
    pub expires: Option<Timestamp>,
    /// Whether it is for reading alone.
    pub read_only: bool,
}

/// Why a key can't be revoked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// The file is broken.
    #[error(transparent)]
    Broken(#[from] BadCallers),
    /// There is no such key.
    #[error("{tenant} has no key {name:?}; `assetmill key list` shows which there are")]
    Unknown {
        /// Whose.
        tenant: TenantId,
        /// Which.
        name: String,
    },
    /// It is written in a way that can't be added to.
    #[error("write revoked = true to the key in line {line} by hand")]
    ByHand {
        /// Where the key stands.
        line: usize,
    },
}

impl NewKey {
    /// The lines of the file that stand for it.
    pub fn lines(&self) -> String {
        let Self { tenant, digest, .. } = self;
        let name = toml::Value::from(self.name.as_str());
        let created = whole_second(self.created);
        let mut lines = format!(
            "[[tenants.{tenant}.keys]]\nname = {name}\nsha256 = \"{digest}\"\ncreated = {created}\n"
        );
        if self.read_only {
            lines.push_str("read_only = true\n");
        }
        if let Some(expires) = self.expires {
            // Writing into a text does not fail.
            let _ = writeln!(lines, "expires = {}", whole_second(expires));
        }
        lines
    }
}

/// The file with a key more.
///
/// # Errors
/// [`BadCallers`] where the file is broken, or would be: if another key of the tenant has the name, say.
pub fn with_key(text: &str, key: &NewKey) -> Result<String, BadCallers> {
    file::parse(text)?;
    let between = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let text = format!("{text}{between}{}", key.lines());
    file::parse(&text)?;
    Ok(text)
}

/// The file with a key revoked; as it is, if it was.
///
/// # Errors
/// [`RevokeError`] where there is no such key, or the file can't be changed.
pub fn with_revoked(text: &str, tenant: &TenantId, name: &str) -> Result<String, RevokeError> {
    let is_revoked = |text: &str| {
        let keys = file::parse(text)?.keys;
        let key = keys
            .into_values()
            .find(|key| key.tenant == *tenant && key.name == name);
        Ok::<_, BadCallers>(key.map(|key| key.revoked))
    };
    let unknown = || RevokeError::Unknown {
        tenant: tenant.clone(),
        name: name.to_owned(),
    };
    if is_revoked(text)?.ok_or_else(unknown)? {
        return Ok(text.to_owned());
    }
    let document = Document::read(text)?;
    let key = document.key(tenant, name).ok_or_else(unknown)?;
    let mut changed = text.to_owned();
    if let Some(no) = &key.revoked {
        changed.replace_range(no.span(), "true");
    } else {
        let end = key.sha256.span().end;
        let rest = text[end..].lines().next().unwrap_or_default();
        let is_last = rest.trim_start().is_empty() || rest.trim_start().starts_with('#');
        if is_last {
            changed.insert_str(end + rest.len(), "\nrevoked = true");
        } else {
            changed.insert_str(end, ", revoked = true");
        }
    }
    match is_revoked(&changed) {
        Ok(Some(true)) => Ok(changed),
        _ => Err(RevokeError::ByHand {
            line: 1 + text[..key.sha256.span().start].matches('\n').count(),
        }),
    }
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> NewKey {
        NewKey {
            tenant: "shop".parse().unwrap(),
            name: name.to_owned(),
            digest: KeyDigest::of(name),
            created: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            expires: Some("2027-01-01T00:00:00Z".parse().unwrap()),
            read_only: name == "ci",
        }
    }

    #[test]
    fn keys_are_added_behind_what_is_there() {
        let mut text = "# ours\n[tenants.shop.limits]\nopen_flows = 5".to_owned();
        for name in ["ci", "a \"quoted\" one"] {
            text = with_key(&text, &key(name)).unwrap();
        }
        assert!(
            text.starts_with("# ours\n[tenants.shop.limits]\n"),
            "{text}"
        );
        let callers = file::parse(&text).unwrap();
        let found = callers.find("a \"quoted\" one", "2026-12-31T00:00:00Z".parse().unwrap());
        assert_eq!(found.unwrap().tenant.as_str(), "shop");
        let read_only = callers.keys().into_iter().map(|(_, key)| key.read_only);
        assert_eq!(read_only.collect::<Vec<_>>(), [false, true]);
        assert!(with_key(&text, &key("ci")).is_err());
        assert!(with_key("[tenants", &key("ci")).is_err());
    }

    #[test]
    fn a_key_is_revoked_however_it_is_written() {
        let digest = KeyDigest::of("k").to_string();
        let other = format!(
            "[[tenants.shop.keys]]\nname = \"b\"\nsha256 = \"{}\"\n",
            KeyDigest::of("b")
        );
        for own in [
            "[[tenants.shop.keys]]\nname = \"a\"\nsha256 = \"DIGEST\" # ours\nexpires = 2999-01-01\n",
            "[[tenants.shop.keys]]\nsha256 = 'DIGEST'\nname = \"a\"\nrevoked = false\n",
            "[[tenants.shop.keys]]\nname = \"a\"\nsha256 = \"DIGEST\"",
            "[tenants.acme]\nkeys = [{ name = \"a\", sha256 = \"DIGEST\" }]\n\
             [tenants.shop]\nkeys = [{ sha256 = \"DIGEST\", name = \"a\" }]\n",
        ] {
            let (own, other) = if own.contains("keys = ") {
                let another = KeyDigest::of("c").to_string();
                (own.replacen("DIGEST", &another, 1), "")
            } else {
                (own.to_owned(), other.as_str())
            };
            let text = format!("{}\n{other}", own.replace("DIGEST", &digest));
            let changed = with_revoked(&text, &"shop".parse().unwrap(), "a").unwrap();
            let callers = file::parse(&changed).unwrap();
            for (key, of) in callers.keys() {
                let is_it = *key == KeyDigest::of("k");
                assert_eq!(of.revoked, is_it, "{changed}");
            }
            let again = with_revoked(&changed, &"shop".parse().unwrap(), "a");
            assert_eq!(again.unwrap(), changed);
        }
        let unknown = with_revoked(&other, &"shop".parse().unwrap(), "a");
        assert!(matches!(unknown, Err(RevokeError::Unknown { .. })));
    }
}
