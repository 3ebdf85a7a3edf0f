//! Who may call, and what each tenant may have: a table that does not change.

use std::collections::HashMap;

use assetmill_core::{TenantId, TenantLimits};
use jiff::Timestamp;

use super::digest::KeyDigest;
use crate::{ErrorCode, Problem};

/// Keys by their digests, and limits by tenants.
#[derive(Debug, Clone, Default)]
pub struct CallerTable {
    pub(super) keys: HashMap<KeyDigest, Key>,
    pub(super) limits: HashMap<TenantId, TenantLimits>,
    /// Of tenants that have none of their own.
    pub(super) defaults: TenantLimits,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// On whose behalf its holder calls.
    pub tenant: TenantId,
    /// What logs call it. No two keys of a tenant have the same.
    pub name: String,
    /// From when on it is not taken any more.
    pub expires: Option<Timestamp>,
    /// Whether it is not taken at all.
    pub revoked: bool,
    /// Whether it is taken for reading alone: whoever has it starts and stops nothing.
    pub read_only: bool,
}

impl CallerTable {
    /// The key that somebody sent, if it may be used at `now`.
    ///
    /// # Errors
    /// The problem `unauthorized`, which says to the holder of a key what became of it.
    pub(super) fn find(&self, key: &str, now: Timestamp) -> Result<&Key, Problem> {
        let unauthorized = |detail| Problem::new(ErrorCode::Unauthorized, detail);
        let key = self
            .keys
            .get(&KeyDigest::of(key))
            .ok_or_else(|| unauthorized("the key is not known; ask the operator for one"))?;
        if key.revoked {
            return Err(unauthorized(
                "the key was revoked; ask the operator for another",
            ));
        }
        if key.expires.is_some_and(|end| end <= now) {
            return Err(unauthorized(
                "the key has expired; ask the operator for another",
            ));
        }
        Ok(key)
    }

    /// What a tenant may have.
    pub fn limits(&self, tenant: &TenantId) -> TenantLimits {
        self.limits.get(tenant).copied().unwrap_or(self.defaults)
    }

    /// Every key, by tenant and name.
    pub fn keys(&self) -> Vec<(&KeyDigest, &Key)> {
        let mut keys: Vec<_> = self.keys.iter().collect();
        keys.sort_by(|(_, a), (_, b)| (&a.tenant, &a.name).cmp(&(&b.tenant, &b.name)));
        keys
    }
}
