//! Who calls.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use assetmill_core::TenantId;
use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use sha2::{Digest as _, Sha256};

use crate::{ErrorCode, Problem};

const MIN_KEY_CHARS: usize = 16;

/// The SHA-256 of a key. Keys are looked up by it, so that how long a look-up takes says nothing
/// about any key, and no key stays in memory.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

/// Who may call.
#[derive(Debug, Clone)]
pub enum Callers {
    /// Anybody, as this tenant.
    Open(TenantId),
    /// Whoever has a key, as the tenant that it names.
    Keys(Arc<HashMap<KeyDigest, TenantId>>),
}

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
    #[error("the same key stands in an earlier entry")]
    Repeated,
}

/// The tenant on whose behalf a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(pub TenantId);

impl KeyDigest {
    fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(…)")
    }
}

impl Callers {
    /// Reads a list of keys: `tenant:key,tenant:key`. A tenant may have several.
    ///
    /// # Errors
    /// [`BadKeys`] for the first entry that can't be used; an empty list has an empty entry.
    pub fn from_keys(text: &str) -> Result<Self, BadKeys> {
        let mut keys = HashMap::new();
        for (entry, text) in (1..).zip(text.split(',')) {
            let (tenant, key) = entry_of(text.trim()).map_err(|fault| BadKeys { entry, fault })?;
            if keys.insert(key, tenant).is_some() {
                let fault = KeyFault::Repeated;
                return Err(BadKeys { entry, fault });
            }
        }
        Ok(Self::Keys(Arc::new(keys)))
    }

    /// The tenant of whoever sent a request with these headers.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<TenantId, Problem> {
        let keys = match self {
            Self::Open(tenant) => return Ok(tenant.clone()),
            Self::Keys(keys) => keys,
        };
        let unauthorized = |detail| Problem::new(ErrorCode::Unauthorized, detail);
        let key = presented(headers).ok_or_else(|| {
            unauthorized(
                "the request has no key; send Authorization: Bearer KEY, or X-Api-Key: KEY",
            )
        })?;
        keys.get(&KeyDigest::of(key))
            .cloned()
            .ok_or_else(|| unauthorized("the key is not known; ask the operator for one"))
    }
}

fn entry_of(text: &str) -> Result<(TenantId, KeyDigest), KeyFault> {
    let (tenant, key) = text.split_once(':').ok_or(KeyFault::NoColon)?;
    let tenant = tenant.parse().map_err(|_| KeyFault::NotATenant)?;
    if !key.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(KeyFault::NotVisible);
    }
    if key.len() < MIN_KEY_CHARS {
        return Err(KeyFault::TooShort);
    }
    Ok((tenant, KeyDigest::of(key)))
}

fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = || {
        let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    };
    let api_key = || headers.get("x-api-key")?.to_str().ok();
    bearer().or_else(api_key)
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Callers: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Callers::from_ref(state).identify(&parts.headers).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "acme:0123456789abcdef, globex:fedcba9876543210,acme:another-key-of-acme";

    fn tenant(header: &str, value: &str) -> Result<String, ErrorCode> {
        let mut headers = HeaderMap::new();
        headers.insert(
            http::HeaderName::try_from(header).unwrap(),
            value.parse().unwrap(),
        );
        Callers::from_keys(KEYS)
            .unwrap()
            .identify(&headers)
            .map(|tenant| tenant.to_string())
            .map_err(|problem| problem.code())
    }

    #[test]
    fn a_key_names_its_tenant() {
        for (header, value, name) in [
            ("authorization", "Bearer 0123456789abcdef", "acme"),
            ("authorization", "bearer another-key-of-acme", "acme"),
            ("x-api-key", "fedcba9876543210", "globex"),
        ] {
            assert_eq!(tenant(header, value).as_deref(), Ok(name), "{value}");
        }
    }

    #[test]
    fn without_a_known_key_nobody_is_let_in() {
        for (header, value) in [
            ("x-other", "0123456789abcdef"),
            ("x-api-key", ""),
            ("x-api-key", "0123456789abcdeX"),
            ("x-api-key", "acme:0123456789abcdef"),
            ("authorization", "0123456789abcdef"),
            ("authorization", "Basic 0123456789abcdef"),
        ] {
            assert_eq!(
                tenant(header, value),
                Err(ErrorCode::Unauthorized),
                "{value}"
            );
        }
    }

    #[test]
    fn a_bad_list_of_keys_names_the_entry_and_shows_no_key() {
        for (text, entry, secret) in [
            ("", "entry 1", "secret"),
            ("acme:0123456789abcdef,", "entry 2", "0123456789abcdef"),
            ("acme:secret", "entry 1", "secret"),
            ("acme0123456789abcdef", "entry 1", "0123456789abcdef"),
            ("SECRET-TENANT:0123456789abcdef", "entry 1", "SECRET"),
            ("acme:0123456789 abcdef", "entry 1", "0123456789"),
            (
                "a:0123456789abcdef,b:0123456789abcdef",
                "entry 2",
                "0123456789abcdef",
            ),
        ] {
            let error = Callers::from_keys(text).unwrap_err().to_string();
            assert!(error.contains(entry), "{error}");
            assert!(!error.contains(secret), "{error}");
        }
    }
}
