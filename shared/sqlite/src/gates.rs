//! Gates of operations in SQLite.

use assetmill_core::OperationName;
use assetmill_core::pacing::Gate;
use assetmill_core::ports::{GateReads, GateRule, Gates, Unavailable};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _};

use super::database::Database;
use super::rows;

/// Gates of operations in SQLite.
#[derive(Debug, Clone)]
pub struct SqliteGates(Database);

impl SqliteGates {
    pub(super) fn new(database: Database) -> Self {
        Self(database)
    }
}

#[async_trait]
impl GateReads for SqliteGates {
    async fn gate(&self, operation: &OperationName) -> Result<Gate, Unavailable> {
        let name = operation.to_string();
        let gate = self.0.read(move |rows| stored(rows, &name));
        gate.await.map_err(|error| error.of("gates"))
    }
}

#[async_trait]
impl Gates for SqliteGates {
    /// Needs no guess: whoever writes is alone.
    async fn change_gate(
        &self,
        operation: &OperationName,
        _guess: Option<Gate>,
        rule: GateRule,
    ) -> Result<Gate, Unavailable> {
        let name = operation.to_string();
        let changed = self.0.write(move |rows| {
            let before = stored(rows, &name)?;
            if let Some(after) = before.apply(&*rule) {
                rows.prepare_cached(
                    "INSERT OR REPLACE INTO gates (operation, gate) VALUES (?1, ?2)",
                )?
                .execute((&name, rows::to_json(&after)?))?;
            }
            Ok(before)
        });
        changed.await.map_err(|error| error.of("gates"))
    }
}

fn stored(rows: &Connection, name: &str) -> rusqlite::Result<Gate> {
    let gate: Option<String> = rows
        .prepare_cached("SELECT gate FROM gates WHERE operation = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    gate.map_or_else(|| Ok(Gate::default()), |gate| rows::from_json(&gate))
}
