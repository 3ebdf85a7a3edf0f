//! Flows that were being worked on when the process died.
//!
//! One of them may have killed it, and would again at every start. So each is tried alone, after all
//! others, and is given up when the process dies a second time while it is. Which one it was need not be
//! known: the innocent pass.

use assetmill_core::FlowMessage;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::queue::{DEAD_LETTERS, FLOWS, QUARANTINE};
use super::rows;

/// Sorts the messages that a dead process held: those of flows become quarantined, and those that were
/// quarantined before become dead letters.
pub(super) fn take_over(rows: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let mut move_held = rows.prepare(
        "UPDATE messages SET queue = ?2, receives = 0, visible_at = ?3
         WHERE queue = ?1 AND receives > 0 AND visible_at > ?3",
    )?;
    let now = now.as_millisecond();
    let given_up = move_held.execute(params![QUARANTINE, DEAD_LETTERS, now])?;
    move_held.execute(params![FLOWS, QUARANTINE, now])?;
    move_held.execute(params![DEAD_LETTERS, DEAD_LETTERS, now])?;
    let added = add_without_message(rows, now)?;
    // A second message of a quarantined flow would let it run beside others.
    rows.execute(
        "DELETE FROM messages WHERE queue = ?1
         AND body IN (SELECT body FROM messages WHERE queue IN (?2, ?3))",
        params![FLOWS, QUARANTINE, DEAD_LETTERS],
    )?;
    if given_up > 0 {
        tracing::error!(
            given_up,
            "gave up flows during which the process died twice"
        );
    }
    if added > 0 {
        tracing::debug!(added, "flows of callers who waited are quarantined");
    }
    Ok(())
}

/// Flows whose caller waited have no message yet.
fn add_without_message(rows: &Connection, now: i64) -> rusqlite::Result<usize> {
    let mut insert = rows.prepare(
        "INSERT INTO messages (queue, body, visible_at, tenant) SELECT ?1, ?2, ?3, ?5
         WHERE NOT EXISTS (SELECT 1 FROM messages WHERE queue IN (?1, ?4) AND body = ?2)",
    )?;
    let mut added = 0;
    for message in running(rows)? {
        let body = rows::to_json(&message)?;
        let tenant = message.tenant.as_str();
        added += insert.execute(params![QUARANTINE, body, now, DEAD_LETTERS, tenant])?;
    }
    Ok(added)
}

fn running(rows: &Connection) -> rusqlite::Result<Vec<FlowMessage>> {
    rows.prepare("SELECT flow_id, tenant FROM flows WHERE state = 'RUNNING'")?
        .query_map([], |row| {
            Ok(FlowMessage::new(
                rows::parsed(row, "flow_id")?,
                rows::parsed(row, "tenant")?,
            ))
        })?
        .collect()
}
