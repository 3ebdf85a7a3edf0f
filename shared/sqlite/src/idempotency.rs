//! Keys of requests in SQLite.

use assetmill_core::ports::{IdempotencyKeys, Unavailable};
use assetmill_core::{IdempotencyKey, KeyClaim, TenantId};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::database::Database;
use super::rows;

/// How many expired claims a new one deletes: more than it adds, so the table does not grow for ever, and few enough
/// for nobody to wait for it.
const DELETED: usize = 100;

/// Keys of requests in SQLite.
#[derive(Debug, Clone)]
pub struct SqliteIdempotencyKeys(Database);

impl SqliteIdempotencyKeys {
    pub(super) fn new(database: Database) -> Self {
        Self(database)
    }
}

#[async_trait]
impl IdempotencyKeys for SqliteIdempotencyKeys {
    async fn find(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<KeyClaim>, Unavailable> {
        let (tenant, key) = (tenant.clone(), key.clone());
        let found = self
            .0
            .read(move |rows| found(rows, &tenant, &key))
            .await
            .map_err(|error| error.of("keys"))?;
        Ok(found.filter(|claim| !claim.is_expired(now)))
    }

    async fn claim(&self, key: &IdempotencyKey, claim: &KeyClaim) -> Result<KeyClaim, Unavailable> {
        let (key, claim) = (key.clone(), claim.clone());
        let claimed = self.0.write(move |rows| {
            let now = claim.batch.created_at;
            if let Some(earlier) = found(rows, &claim.batch.tenant, &key)?
                && !earlier.is_expired(now)
            {
                return Ok(earlier);
            }
            put(rows, &key, &claim)?;
            delete_expired(rows, now)?;
            Ok(claim.clone())
        });
        claimed.await.map_err(|error| error.of("keys"))
    }
}

fn found(
    rows: &Connection,
    tenant: &TenantId,
    key: &IdempotencyKey,
) -> rusqlite::Result<Option<KeyClaim>> {
    rows.prepare_cached(
        "SELECT fingerprint, batch FROM idempotency_keys
         WHERE tenant = ?1 AND idempotency_key = ?2",
    )?
    .query_row(params![tenant.as_str(), key.as_str()], |row| {
        Ok(KeyClaim {
            fingerprint: rows::parsed(row, "fingerprint")?,
            batch: rows::from_json(&row.get::<_, String>("batch")?)?,
        })
    })
    .optional()
}

fn put(rows: &Connection, key: &IdempotencyKey, claim: &KeyClaim) -> rusqlite::Result<()> {
    rows.prepare_cached(
        "INSERT OR REPLACE INTO idempotency_keys
            (tenant, idempotency_key, fingerprint, batch, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        claim.batch.tenant.as_str(),
        key.as_str(),
        claim.fingerprint.as_str(),
        rows::to_json(&claim.batch)?,
        claim.batch.created_at.as_millisecond(),
    ])?;
    Ok(())
}

fn delete_expired(rows: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let gone = now - IdempotencyKey::KEPT_FOR;
    rows.prepare_cached(
        "DELETE FROM idempotency_keys WHERE (tenant, idempotency_key) IN
            (SELECT tenant, idempotency_key FROM idempotency_keys
             WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)",
    )?
    .execute(params![gone.as_millisecond(), DELETED])?;
    Ok(())
}
