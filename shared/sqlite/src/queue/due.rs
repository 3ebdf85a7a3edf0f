//! Delivers messages that are due.

use assetmill_core::ports::Delivery;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, named_params, params};

use super::ids::Receipt;
use super::turns::{self, Turn};
use super::{QUARANTINE, QueueSettings};
use crate::rows;

/// Those of a tenant that are due for longest: of what waits, and of what was delivered before.
const OF_TENANT: &str =
    "SELECT received, tenant, visible_at, message_id, receives, body FROM messages
     WHERE queue = :queue AND received = 0 AND tenant = :tenant AND visible_at <= :now
     UNION ALL
     SELECT received, tenant, visible_at, message_id, receives, body FROM messages
     WHERE queue = :queue AND received = 1 AND tenant = :tenant AND visible_at <= :now
     ORDER BY visible_at, message_id LIMIT :some";
/// Those in quarantine at which the process died alone least often.
const QUARANTINED: &str =
    "SELECT received, tenant, visible_at, message_id, receives, body FROM messages
     WHERE queue = :queue AND visible_at <= :now AND deaths_alone = (
         SELECT min(deaths_alone) FROM messages WHERE queue = :queue AND visible_at <= :now)
     ORDER BY together, visible_at, message_id LIMIT :some";

/// What is delivered of a queue at some time.
pub(super) struct Due {
    pub(super) settings: QueueSettings,
    pub(super) now: Timestamp,
    pub(super) visible_again: Timestamp,
}

/// A message that is due, and where it stands.
struct Found {
    receipt: Receipt,
    body: String,
    received: bool,
}

impl Due {
    /// Delivers up to `max`, and whether one is due whose tenant holds as many as it may.
    pub(super) fn deliver(
        &self,
        rows: &Connection,
        max: usize,
    ) -> rusqlite::Result<(Vec<Delivery>, bool)> {
        if self.settings.name == QUARANTINE {
            let some = together(rows, self.now)?.min(max);
            let some = named_params! { ":queue": QUARANTINE, ":now": self.now.as_millisecond(), ":some": some };
            let found = self.take(rows, QUARANTINED, some)?;
            return Ok((found.iter().filter_map(delivery).collect(), false));
        }
        let most = self.settings.most_of_one;
        let mut turns = turns::turns(rows, self.settings.name, self.now)?;
        self.fail_dead_letters(rows, &turns)?;
        let mut deliveries = Vec::new();
        let mut left = max;
        while left > 0
            && let Some((next, some)) = turns::next(&turns, left, most)
        {
            let turn = &mut turns[next];
            let found = self.take_of(rows, &turn.tenant, some)?;
            left -= found.len();
            turn.held += found.len();
            if found.len() < some {
                turns.swap_remove(next);
            }
            // One that can't be read must not keep the others: it becomes a dead letter.
            deliveries.extend(found.iter().filter_map(delivery));
        }
        Ok((deliveries, !turns.is_empty()))
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

    fn take_of(
        &self,
        rows: &Connection,
        tenant: &str,
        some: usize,
    ) -> rusqlite::Result<Vec<Found>> {
        let some = named_params! {
            ":queue": self.settings.name,
            ":tenant": tenant,
            ":now": self.now.as_millisecond(),
            ":some": some,
        };
        self.take(rows, OF_TENANT, some)
    }

    /// Makes invisible what a statement finds.
    fn take(
        &self,
        rows: &Connection,
        sql: &str,
        some: &[(&str, &dyn ToSql)],
    ) -> rusqlite::Result<Vec<Found>> {
        let mut due = rows.prepare_cached(sql)?;
        let due = due.query_map(some, found)?;
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

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        received: row.get("received")?,
        receipt: Receipt {
            message_id: row.get("message_id")?,
            receives: row.get("receives")?,
            visible_at: row.get("visible_at")?,
            tenant: row.get("tenant")?,
        },
        body: row.get("body")?,
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
