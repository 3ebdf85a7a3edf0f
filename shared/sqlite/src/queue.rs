//! The queue in SQLite, with the manners of SQS.

mod turns;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::FlowMessage;
use assetmill_core::ports::{Clock, Delivery, FlowDeliveries, FlowQueue, Outgoing, Unavailable};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::database::Database;
use super::retention::{Cutoff, Retention};
use super::rows;

pub(super) const FLOWS: &str = "flows";
pub(super) const QUARANTINE: &str = "quarantine";
pub(super) const DEAD_LETTERS: &str = "dead-letters";

/// A queue in SQLite.
#[derive(Clone)]
pub struct SqliteQueue {
    database: Database,
    clock: Arc<dyn Clock>,
    retention: Retention,
    settings: QueueSettings,
    sent: Arc<Notify>,
    acknowledged: Arc<Notify>,
}

/// How a queue behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    name: &'static str,
    visibility: Duration,
    redrive: Option<Redrive>,
    most_of_one: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Redrive {
    max_receives: u32,
    to: &'static str,
}

impl QueueSettings {
    /// The queue of flows: a message comes again `visibility` after a delivery that was not
    /// acknowledged, at most `max_receives` times.
    pub fn flows(visibility: Duration, max_receives: u32) -> Self {
        let to = DEAD_LETTERS;
        Self {
            name: FLOWS,
            visibility,
            redrive: Some(Redrive { max_receives, to }),
            most_of_one: usize::MAX,
        }
    }

    /// Delivers no more messages of one tenant than these before it acknowledged some.
    #[must_use]
    pub fn most_of_one(self, messages: NonZeroUsize) -> Self {
        Self {
            most_of_one: messages.get(),
            ..self
        }
    }

    /// Flows that were being worked on when the process died. One whose message is held alone when that happens
    /// twice more becomes a dead letter, at the next start.
    pub fn quarantine(visibility: Duration) -> Self {
        Self {
            name: QUARANTINE,
            visibility,
            redrive: None,
            most_of_one: usize::MAX,
        }
    }

    /// The dead letters of the queue of flows.
    pub fn dead_letters(visibility: Duration) -> Self {
        Self {
            name: DEAD_LETTERS,
            visibility,
            redrive: None,
            most_of_one: usize::MAX,
        }
    }
}

/// What a look at the queue found.
struct Look {
    deliveries: Vec<Delivery>,
    /// When the next message becomes visible, if none was delivered.
    next: Option<Timestamp>,
    /// Whether one is due whose tenant holds as many as it may.
    held_back: bool,
}

impl SqliteQueue {
    pub(super) fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        retention: Retention,
        settings: QueueSettings,
    ) -> Self {
        Self {
            database,
            clock,
            retention,
            settings,
            sent: Arc::default(),
            acknowledged: Arc::default(),
        }
    }

    async fn look(&self, max: usize) -> Result<Look, Unavailable> {
        let now = self.clock.now();
        let settings = self.settings;
        let visible_again = self.clock.after(settings.visibility);
        let gone = self.retention.cutoff();
        let look = self.database.write(move |rows| {
            fail_dead_letter(rows, settings, now)?;
            let mut deliveries = deliver(rows, settings, now, visible_again, max)?;
            if settings.name == FLOWS {
                for delivery in &mut deliveries {
                    carry_row(rows, &mut delivery.message, gone)?;
                }
            }
            let (next, held_back) = if deliveries.is_empty() {
                let held_back = is_due(rows, settings, now)?;
                (next_visible(rows, settings, now)?, held_back)
            } else {
                (None, false)
            };
            Ok(Look {
                deliveries,
                next,
                held_back,
            })
        });
        look.await.map_err(|error| error.of("queue"))
    }
}

#[async_trait]
impl FlowQueue for SqliteQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        let clock = self.clock.clone();
        let queue = self.settings.name;
        let messages = messages.to_vec();
        let sent = self.database.write(move |rows| {
            let mut insert = rows.prepare_cached(
                // One that waits in quarantine must not run beside others; one that is tried now may go
                // on, as it did not kill the process.
                "INSERT INTO messages (queue, body, visible_at, tenant) SELECT ?1, ?2, ?3, ?5
                 WHERE NOT EXISTS (SELECT 1 FROM messages
                    WHERE queue = ?4 AND receives = 0 AND body = ?2)",
            )?;
            for Outgoing { message, delay } in &messages {
                let visible_at = clock.after(*delay).as_millisecond();
                // It is read again when the message is received, and the quarantine tells messages by their bodies.
                let body = rows::to_json(&message.without_row())?;
                let tenant = message.tenant.as_str();
                insert.execute(params![queue, body, visible_at, QUARANTINE, tenant])?;
            }
            Ok(())
        });
        sent.await.map_err(|error| error.of("queue"))?;
        self.sent.notify_waiters();
        Ok(())
    }
}

#[async_trait]
impl FlowDeliveries for SqliteQueue {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Unavailable> {
        let deadline = Instant::now() + wait;
        loop {
            // Before the look, lest what changes right after it goes unnoticed.
            let sent = self.sent.notified();
            let acknowledged = self.acknowledged.notified();
            let look = self.look(max).await?;
            if !look.deliveries.is_empty() || Instant::now() >= deadline {
                return Ok(look.deliveries);
            }
            let next = look.next.map(|next| next.duration_since(self.clock.now()));
            let until_next = next.map_or(wait, |next| next.try_into().unwrap_or_default());
            tokio::select! {
                () = sent => {}
                () = acknowledged, if look.held_back => {}
                () = tokio::time::sleep_until(deadline.min(Instant::now() + until_next)) => {}
            }
        }
    }

    async fn acknowledge(&self, receipt: &str) -> Result<(), Unavailable> {
        let Some((message_id, receives)) = parse_receipt(receipt) else {
            return Ok(());
        };
        let acknowledged = self.database.write(move |rows| {
            rows.prepare_cached("DELETE FROM messages WHERE message_id = ?1 AND receives = ?2")?
                .execute([message_id, receives])?;
            Ok(())
        });
        acknowledged.await.map_err(|error| error.of("queue"))?;
        // Its tenant may hold another now.
        self.acknowledged.notify_waiters();
        Ok(())
    }
}

fn receipt(message_id: i64, receives: u32) -> String {
    format!("{message_id}:{receives}")
}

fn parse_receipt(receipt: &str) -> Option<(i64, i64)> {
    let (message_id, receives) = receipt.split_once(':')?;
    Some((message_id.parse().ok()?, receives.parse().ok()?))
}

fn fail_dead_letter(
    rows: &Connection,
    settings: QueueSettings,
    now: Timestamp,
) -> rusqlite::Result<()> {
    if let Some(redrive) = settings.redrive {
        rows.prepare_cached(
            // By itself SQLite takes the index by time, and looks at every message that is due.
            "UPDATE messages INDEXED BY messages_received SET queue = ?1, receives = 0
             WHERE queue = ?2 AND visible_at <= ?3 AND receives > 0 AND receives >= ?4",
        )?
        .execute(params![
            redrive.to,
            settings.name,
            now.as_millisecond(),
            redrive.max_receives
        ])?;
    }
    Ok(())
}

fn deliver(
    rows: &Connection,
    settings: QueueSettings,
    now: Timestamp,
    visible_again: Timestamp,
    max: usize,
) -> rusqlite::Result<Vec<Delivery>> {
    if settings.name == QUARANTINE {
        let due = Due {
            queue: QUARANTINE,
            tenant: None,
            now,
            visible_again,
        };
        let delivered = due.deliver(rows, together(rows, now)?.min(max))?;
        return Ok(delivered.into_iter().flatten().collect());
    }
    let most = settings.most_of_one;
    let mut turns = turns::turns(rows, settings.name, now, most)?;
    let mut deliveries = Vec::new();
    let mut left = max;
    while left > 0
        && let Some((next, some)) = turns::next(&turns, left, most)
    {
        let turn = &mut turns[next];
        let due = Due {
            queue: settings.name,
            tenant: Some(&turn.tenant),
            now,
            visible_again,
        };
        let delivered = due.deliver(rows, some)?;
        left -= delivered.len();
        turn.held += delivered.len();
        if delivered.len() < some {
            turns.swap_remove(next);
        }
        // One that can't be read must not keep the others: it becomes a dead letter.
        deliveries.extend(delivered.into_iter().flatten());
    }
    Ok(deliveries)
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

/// The messages of a tenant, or of all, that are due.
struct Due<'a> {
    queue: &'a str,
    tenant: Option<&'a str>,
    now: Timestamp,
    visible_again: Timestamp,
}

impl Due<'_> {
    /// Delivers up to `some`, those that are due for longest first; `None` for one that can't be read.
    fn deliver(&self, rows: &Connection, some: usize) -> rusqlite::Result<Vec<Option<Delivery>>> {
        // Two statements, each with an index of its own.
        let chosen = match self.tenant {
            Some(_) => "tenant = ?3 AND visible_at <= ?4 ORDER BY visible_at, message_id",
            None => {
                "?3 IS NULL AND visible_at <= ?4 AND deaths_alone = (
                     SELECT min(deaths_alone) FROM messages WHERE queue = ?2 AND visible_at <= ?4)
                 ORDER BY together, visible_at, message_id"
            }
        };
        rows.prepare_cached(&format!(
            "UPDATE messages SET receives = receives + 1, visible_at = ?1
             WHERE message_id IN (
                 SELECT message_id FROM messages WHERE queue = ?2 AND {chosen} LIMIT ?5)
             RETURNING message_id, receives, body",
        ))?
        .query_map(
            params![
                self.visible_again.as_millisecond(),
                self.queue,
                self.tenant,
                self.now.as_millisecond(),
                some
            ],
            |row| {
                let receive_count = row.get("receives")?;
                let message_id = row.get("message_id")?;
                let message = rows::from_json(&row.get::<_, String>("body")?);
                Ok(message
                    .inspect_err(
                        |error| tracing::error!(message_id, %error, "message can't be read"),
                    )
                    .ok()
                    .map(|message| Delivery {
                        message,
                        receipt: receipt(message_id, receive_count),
                        receive_count,
                    }))
            },
        )?
        .collect()
    }
}

/// Puts into a message the row of its flow, so that one that only waits longer is neither claimed nor written. One that
/// can't be read is no guess: whoever claims the flow is told why.
fn carry_row(rows: &Connection, message: &mut FlowMessage, gone: Cutoff) -> rusqlite::Result<()> {
    let row = match rows::find_flow(rows, &message.flow_id.to_string(), gone) {
        Err(error @ rusqlite::Error::SqliteFailure(..)) => return Err(error),
        row => row.ok().flatten(),
    };
    message.row = row.map(Box::new);
    Ok(())
}

fn is_due(rows: &Connection, settings: QueueSettings, now: Timestamp) -> rusqlite::Result<bool> {
    rows.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND visible_at <= ?2)",
    )?
    .query_row(params![settings.name, now.as_millisecond()], |row| {
        row.get(0)
    })
}

fn next_visible(
    rows: &Connection,
    settings: QueueSettings,
    now: Timestamp,
) -> rusqlite::Result<Option<Timestamp>> {
    let next: Option<i64> = rows
        .prepare_cached(
            "SELECT min(visible_at) FROM messages WHERE queue = ?1 AND visible_at > ?2",
        )?
        .query_row(params![settings.name, now.as_millisecond()], |row| {
            row.get(0)
        })
        .optional()?
        .flatten();
    Ok(next.and_then(|next| Timestamp::from_millisecond(next).ok()))
}
