//! Delivers messages that are due.

use assetmill_core::ports::Delivery;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::ids::Receipt;
use super::turns::{self, Turn};
use super::{Look, QUARANTINE, QueueSettings};
use crate::rows;

/// Those of a tenant that are due for longest: of what waits, and of what was delivered before.
const OF_TENANT: &str =
    "SELECT received, tenant, visible_at, message_id, receives, body FROM messages
     WHERE queue = ?1 AND received = 0 AND tenant = ?4 AND visible_at <= ?2
     UNION ALL
     SELECT received, tenant, visible_at, message_id, receives, body FROM messages
     WHERE queue = ?1 AND received = 1 AND tenant = ?4 AND visible_at <= ?2
     ORDER BY visible_at, message_id LIMIT ?3";
/// Those in quarantine at which the process died alone least often.
const QUARANTINED: &str =
    "SELECT received, tenant, visible_at, message_id, receives, body FROM messages
     WHERE queue = ?1 AND visible_at <= ?2 AND deaths_alone = (
         SELECT min(deaths_alone) FROM messages WHERE queue = ?1 AND visible_at <= ?2)
     ORDER BY together, visible_at, message_id LIMIT ?3";

/// What is delivered of a queue at some time.
pub(super) struct Due {
    pub(super) settings: QueueSettings,
    pub(super) now: Timestamp,
    pub(super) visible_again: Timestamp,
}

/// A message that was due, whether it had been delivered before, and what its delivery is.
struct Found {
    receipt: Receipt,
    body: String,
    received: bool,
}

impl Due {
    /// Delivers up to `max`.
    pub(super) fn deliver(&self, rows: &Connection, max: usize) -> rusqlite::Result<Look> {
        let most = self.settings.most_of_one;
        let (queue, now) = (self.settings.name, self.now.as_millisecond());
        let (mut turns, next) = turns::turns(rows, queue, self.now)?;
        let mut taken = Vec::new();
        if queue == QUARANTINE {
            let some = together(rows, self.now)?.min(max);
            taken = self.take(rows, QUARANTINED, params![queue, now, some])?;
            turns.clear();
        }
        self.fail_dead_letters(rows, &turns)?;
        while taken.len() < max
            && let Some((next, some)) = turns::next(&turns, max - taken.len(), most)
        {
            let turn = &mut turns[next];
            let some_more = self.take(rows, OF_TENANT, params![queue, now, some, turn.tenant])?;
            turn.held += some_more.len();
            if some_more.len() < some {
                turns.swap_remove(next);
            }
            taken.extend(some_more);
        }
        Ok(Look {
            // One that can't be read must not keep the others: it becomes a dead letter.
            deliveries: taken.iter().filter_map(delivery).collect(),
            // None of those that were taken may have been one that can be read.
            next: if taken.is_empty() {
                next
            } else {
                Some(self.now)
            },
            held_back: !turns.is_empty(),
        })
    }

    /// Makes dead letters of what was delivered as often as it may be.
    fn fail_dead_letters(&self, rows: &Connection, turns: &[Turn]) -> rusqlite::Result<()> {
        let Some(redrive) = self.settings.redrive else {
            return Ok(());
        };
        for turn in turns.iter().filter(|turn| turn.again) {
            rows.prepare_cached(
                "UPDATE messages SET queue = ?1, received = 0, receives = 0
                 WHERE queue = ?2 AND received = 1 AND tenant = ?3 AND visible_at <= ?4
                   AND receives >= ?5",
            )?
            .execute(params![
                redrive.to,
                self.settings.name,
                turn.tenant,
                self.now.as_millisecond(),
                redrive.max_receives
            ])?;
        }
        Ok(())
    }

    /// Makes invisible what a statement finds.
    fn take(
        &self,
        rows: &Connection,
        sql: &str,
        of: &[&dyn ToSql],
    ) -> rusqlite::Result<Vec<Found>> {
        let mut due = rows.prepare_cached(sql)?;
        let due = due.query_map(of, found)?;
        let mut due: Vec<_> = due.collect::<rusqlite::Result<_>>()?;
        let visible_at = self.visible_again.as_millisecond();
        let mut take = rows.prepare_cached(
            "UPDATE messages SET received = 1, receives = receives + 1, visible_at = ?1
             WHERE queue = ?2 AND received = ?3 AND tenant = ?4 AND visible_at = ?5
               AND message_id = ?6",
        )?;
        for found in &mut due {
            let receipt = &mut found.receipt;
            take.execute(params![
                visible_at,
                self.settings.name,
                found.received,
                receipt.tenant,
                receipt.visible_at,
                receipt.message_id
            ])?;
            receipt.receives += 1;
            receipt.visible_at = visible_at;
        }
        Ok(due)
    }
}

/// By the places of the columns: names are looked for one by one.
fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        received: row.get(0)?,
        receipt: Receipt {
            tenant: row.get(1)?,
            visible_at: row.get(2)?,
            message_id: row.get(3)?,
            receives: row.get(4)?,
        },
        body: row.get(5)?,
    })
}

/// `None` if it can't be read.
fn delivery(found: &Found) -> Option<Delivery> {
    let Receipt {
        message_id,
        receives,
        ..
    } = found.receipt;
    let message = rows::from_json(&found.body)
        .inspect_err(|error| tracing::error!(message_id, %error, "message can't be read"));
    Some(Delivery {
        message: message.ok()?,
        receipt: found.receipt.to_text(),
        receive_count: receives,
    })
}

/// How many of those in quarantine are tried next, at the same time: of those at which the process died alone least often.
fn together(rows: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let together: Option<usize> = rows
        .prepare_cached(
            "SELECT together FROM messages WHERE queue = ?1 AND visible_at <= ?2
             ORDER BY deaths_alone, together LIMIT 1",
        )?
        .query_row(params![QUARANTINE, now.as_millisecond()], |row| row.get(0))
        .optional()?;
    Ok(together.unwrap_or(1))
}
