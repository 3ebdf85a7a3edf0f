//! Flows that were being worked on when the process died.
//!
//! One of them may have killed it, and would again at every start. So they are tried after all others, an eighth of
//! them at a time: hundreds may have waited for a vendor, and nothing else is begun meanwhile. If the process dies again,
//! those that were tried then are tried in eighths in their turn. Which one it was need not be known: the innocent pass.
//! One that was tried alone is tried alone once more, after all other suspects, and given up if the process dies again:
//! once may be chance, where a machine is restarted several times within seconds. So one that kills the process does it
//! once more, when no other is due.

use assetmill_core::FlowMessage;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::queue::{DEAD_LETTERS, FLOWS, MessageIds, QUARANTINE};
use super::rows;

/// In how many parts suspects are tried.
const PARTS: usize = 8;
/// How often the process has to die while one is tried alone for it to be given up.
const DEATHS_ALONE: usize = 2;

/// Sorts the messages that a dead process held: those of flows become quarantined, those that were quarantined before
/// are tried in smaller groups, and one at which the process died alone too often becomes a dead letter.
pub(super) fn take_over(
    rows: &Connection,
    ids: &MessageIds,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut move_held = rows.prepare(
        "UPDATE messages
         SET queue = ?2, received = 0, receives = 0, visible_at = ?3, together = ?4
         WHERE queue = ?1 AND received = 1 AND visible_at > ?3",
    )?;
    let now = now.as_millisecond();
    let tried = held(rows, QUARANTINE, now)?;
    let given_up = if tried == 1 { blame(rows, now)? } else { 0 };
    move_held.execute(params![QUARANTINE, QUARANTINE, now, part(tried)])?;
    let together = part(held(rows, FLOWS, now)?);
    move_held.execute(params![FLOWS, QUARANTINE, now, together])?;
    move_held.execute(params![DEAD_LETTERS, DEAD_LETTERS, now, 1])?;
    let added = add_without_message(rows, ids, now, together)?;
    // A second message of a quarantined flow would let it run beside others.
    rows.execute(
        "DELETE FROM messages WHERE queue = ?1
         AND body IN (SELECT body FROM messages WHERE queue IN (?2, ?3))",
        params![FLOWS, QUARANTINE, DEAD_LETTERS],
    )?;
    if given_up > 0 {
        tracing::error!(
            given_up,
            "gave up flows that were tried alone each time the process died twice"
        );
    }
    if added > 0 {
        tracing::debug!(added, "flows of callers who waited are quarantined");
    }
    Ok(())
}

/// Counts a death for the one message that was tried, and makes a dead letter of it where that is one too many.
fn blame(rows: &Connection, now: i64) -> rusqlite::Result<usize> {
    rows.execute(
        "UPDATE messages SET deaths_alone = deaths_alone + 1
         WHERE queue = ?1 AND received = 1 AND visible_at > ?2",
        params![QUARANTINE, now],
    )?;
    rows.execute(
        "UPDATE messages
         SET queue = ?2, received = 0, receives = 0, visible_at = ?3, together = 1
         WHERE queue = ?1 AND deaths_alone >= ?4",
        params![QUARANTINE, DEAD_LETTERS, now, DEATHS_ALONE],
    )
}

/// How many of so many are tried at the same time.
fn part(of: usize) -> usize {
    of.div_ceil(PARTS).max(1)
}

/// How many messages of a queue were delivered and not acknowledged.
fn held(rows: &Connection, queue: &str, now: i64) -> rusqlite::Result<usize> {
    rows.query_row(
        "SELECT count(*) FROM messages WHERE queue = ?1 AND received = 1 AND visible_at > ?2",
        params![queue, now],
        |row| row.get(0),
    )
}

/// Flows whose caller waited have no message yet.
fn add_without_message(
    rows: &Connection,
    ids: &MessageIds,
    now: i64,
    together: usize,
) -> rusqlite::Result<usize> {
    let mut insert = rows.prepare(
        "INSERT INTO messages (queue, tenant, visible_at, message_id, body, together)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6
         WHERE NOT EXISTS (SELECT 1 FROM messages WHERE queue IN (?1, ?7) AND body = ?5)",
    )?;
    let mut added = 0;
    for message in running(rows)? {
        let body = rows::to_json(&message)?;
        let tenant = message.tenant.as_str();
        added += insert.execute(params![
            QUARANTINE,
            tenant,
            now,
            ids.next(),
            body,
            together,
            DEAD_LETTERS
        ])?;
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
