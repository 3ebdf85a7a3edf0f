//! Keys in a list: `tenant:key,tenant:sha256=digest`.

use assetmill_core::TenantId;

use super::digest::KeyDigest;
use super::table::{CallerTable, Key};

const MIN_KEY_CHARS: usize = 16;
const DIGEST: &str = "sha256=";

/// Why a list of keys can't be used. Shows no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry} of the API keys: {fault}; write tenant:key,tenant:key")]
pub struct BadKeys {
    /// Its place in the list, from 1.
    entry: usize,
    fault: KeyFault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum KeyFault {
    #[error("there is no ':' between a tenant and its key")]
    NoColon,
    #[error(
        "what stands before ':' names no tenant: \
         names are 1 to 64 characters of a-z, 0-9, '-' and '_'"
    )]
    NotATenant,
    #[error("the key is shorter than {MIN_KEY_CHARS} characters")]
    TooShort,
    #[error("the key has characters that no HTTP header carries: use visible ASCII ones")]
    NotVisible,
    #[error("what stands behind 'sha256=' is none: it has 64 characters of 0-9 and a-f")]
    NotADigest,
    #[error("the same key stands in an earlier entry")]
    Repeated,
}

/// Reads a list of keys.
///
/// # Errors
/// [`BadKeys`] for the first entry that can't be used; an empty list has an empty entry.
pub(super) fn parse(text: &str) -> Result<CallerTable, BadKeys> {
    let mut callers = CallerTable::default();
    for (entry, text) in (1..).zip(text.split(',')) {
        let (tenant, key) = entry_of(text.trim()).map_err(|fault| BadKeys { entry, fault })?;
        let named = Key {
            tenant,
            name: format!("entry {entry}"),
            expires: None,
            revoked: false,
            read_only: false,
        };
        if callers.keys.insert(key, named).is_some() {
            let fault = KeyFault::Repeated;
            return Err(BadKeys { entry, fault });
        }
    }
    Ok(callers)
}

fn entry_of(text: &str) -> Result<(TenantId, KeyDigest), KeyFault> {
    let (tenant, key) = text.split_once(':').ok_or(KeyFault::NoColon)?;
    let tenant = tenant.parse().map_err(|_| KeyFault::NotATenant)?;
    if let Some(digest) = key.strip_prefix(DIGEST) {
        let digest = digest.parse().map_err(|_| KeyFault::NotADigest)?;
        return Ok((tenant, digest));
    }
    if !key.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(KeyFault::NotVisible);
    }
    if key.len() < MIN_KEY_CHARS {
        return Err(KeyFault::TooShort);
    }
    Ok((tenant, KeyDigest::of(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_list_of_keys_names_the_entry_and_shows_no_key() {
        for (text, entry, secret) in [
            ("", "entry 1", "secret"),
            ("acme:0123456789abcdef,", "entry 2", "0123456789abcdef"),
            ("acme:secret", "entry 1", "secret"),
            ("acme0123456789abcdef", "entry 1", "0123456789abcdef"),
            ("SECRET-TENANT:0123456789abcdef", "entry 1", "SECRET"),
            ("acme:0123456789 abcdef", "entry 1", "0123456789"),
            ("acme:sha256=0123456789abcdef", "entry 1", "0123456789"),
            (
                "a:0123456789abcdef,b:0123456789abcdef",
                "entry 2",
                "0123456789abcdef",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(entry), "{error}");
            assert!(!error.contains(secret), "{error}");
        }
    }
}
