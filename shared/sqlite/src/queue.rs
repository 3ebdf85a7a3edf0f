//! The queue in SQLite, with the manners of SQS.

mod due;
mod ids;
#[cfg(test)]
mod tests;
mod turns;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::FlowMessage;
use assetmill_core::ports::{Clock, Delivery, FlowDeliveries, FlowQueue, Outgoing, Unavailable};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::database::{Database, Whose};
use super::retention::{Cutoff, Retention};
use super::rows;

use due::Due;
pub(super) use ids::MessageIds;
use ids::Receipt;

pub(super) const FLOWS: &str = "flows";
pub(super) const QUARANTINE: &str = "quarantine";
pub(super) const DEAD_LETTERS: &str = "dead-letters";

/// A queue in SQLite.
#[derive(Clone)]
pub struct SqliteQueue {
    database: Database,
    clock: Arc<dyn Clock>,
    retention: Retention,
    ids: MessageIds,
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
    /// When to look again, if none was delivered: the next may be due then.
    next: Option<Timestamp>,
    /// Whether one is due whose tenant holds as many as it may.
    held_back: bool,
}

impl SqliteQueue {
    pub(super) fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        retention: Retention,
        ids: MessageIds,
        settings: QueueSettings,
    ) -> Self {
        Self {
            database,
            clock,
            retention,
            ids,
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
        let look = self.database.write_for(Whose::Receiving, 1, move |rows| {
            let due = Due {
                settings,
                now,
                visible_again,
            };
            look(rows, &due, gone, max)
        });
        look.await.map_err(|error| error.of("queue"))
    }
}

#[async_trait]
impl FlowQueue for SqliteQueue {
    /// In parts, so that others come between.
    async fn send(&self, mut messages: &[Outgoing]) -> Result<(), Unavailable> {
        while let Some(first) = messages.first() {
            let (some, rest) = messages.split_at(messages.len().min(self.database.part()));
            messages = rest;
            let (clock, ids) = (self.clock.clone(), self.ids.clone());
            let (queue, some) = (self.settings.name, some.to_vec());
            let tenant = &first.message.tenant;
            let sent = self.database.write_for(tenant, some.len(), move |rows| {
                some.iter().try_for_each(|Outgoing { message, delay }| {
                    let visible_at = clock.after(*delay).as_millisecond();
                    put(rows, queue, ids.next(), visible_at, message)
                })
            });
            sent.await.map_err(|error| error.of("queue"))?;
            self.sent.notify_waiters();
        }
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
        let Some(receipt) = Receipt::of_text(receipt) else {
            return Ok(());
        };
        let queue = self.settings.name;
        let acknowledged = self
            .database
            .write_for(Whose::Acknowledging, 1, move |rows| {
                take_out(rows, queue, &receipt)
            });
        acknowledged.await.map_err(|error| error.of("queue"))?;
        // Its tenant may hold another now.
        self.acknowledged.notify_waiters();
        Ok(())
    }
}

/// Adds a message.
fn put(
    rows: &Connection,
    queue: &str,
    id: i64,
    visible_at: i64,
    message: &FlowMessage,
) -> rusqlite::Result<()> {
    // It is read again when the message is received, and the quarantine tells messages by their bodies.
    let body = rows::to_json(&message.without_row())?;
    let tenant = message.tenant.as_str();
    rows.prepare_cached(
        // One that waits in quarantine must not run beside others; one that is tried now may go
        // on, as it did not kill the process.
        "INSERT INTO messages (queue, tenant, visible_at, message_id, body)
         SELECT ?1, ?2, ?3, ?4, ?5
         WHERE NOT EXISTS (SELECT 1 FROM messages
            WHERE queue = ?6 AND received = 0 AND body = ?5)",
    )?
    .execute(params![queue, tenant, visible_at, id, body, QUARANTINE])?;
    Ok(())
}

/// Delivers what is due, with the rows of its flows.
fn look(rows: &Connection, due: &Due, gone: Cutoff, max: usize) -> rusqlite::Result<Look> {
    let mut look = due.deliver(rows, max)?;
    if due.settings.name == FLOWS {
        for delivery in &mut look.deliveries {
            carry_row(rows, delivery, gone)?;
        }
    }
    Ok(look)
}

/// Takes out a message, unless it was delivered again since.
fn take_out(rows: &Connection, queue: &str, receipt: &Receipt) -> rusqlite::Result<()> {
    rows.prepare_cached(
        "DELETE FROM messages WHERE queue = ?1 AND received = 1 AND tenant = ?2
           AND visible_at = ?3 AND message_id = ?4 AND receives = ?5",
    )?
    .execute(params![
        queue,
        receipt.tenant,
        receipt.visible_at,
        receipt.message_id,
        receipt.receives
    ])?;
    Ok(())
}

/// Puts into a message the row of its flow, so that one that only waits longer is neither claimed nor written. One that
/// can't be read is no guess: whoever claims the flow is told why. What was delivered before carries none, as in
/// [`FlowMessage::delivered`](assetmill_core::FlowMessage::delivered).
fn carry_row(rows: &Connection, delivery: &mut Delivery, gone: Cutoff) -> rusqlite::Result<()> {
    if delivery.receive_count > 1 {
        return Ok(());
    }
    let message = &mut delivery.message;
    let row = match rows::find_flow(rows, &message.flow_id.to_string(), gone) {
        Err(error @ rusqlite::Error::SqliteFailure(..)) => return Err(error),
        row => row.ok().flatten(),
    };
    message.row = row.map(Box::new);
    Ok(())
}
