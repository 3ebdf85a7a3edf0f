//! What tells messages apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;

/// Numbers messages in the order in which they are sent. One process at a time holds the folder, so that it counts, and
/// no tree of the database has to.
#[derive(Debug, Clone)]
pub(crate) struct MessageIds(Arc<AtomicI64>);

impl MessageIds {
    /// Those after all that are in the table. Looks at every message.
    pub(crate) fn after_all(rows: &Connection) -> rusqlite::Result<Self> {
        let last: i64 = rows.query_row(
            "SELECT coalesce(max(message_id), 0) FROM messages",
            [],
            |row| row.get(0),
        )?;
        Ok(Self(Arc::new(AtomicI64::new(last + 1))))
    }

    /// A number that no other message has.
    pub(crate) fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Which delivery of which message it is: where the message stands in the table since then, and how often it was
/// delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) message_id: i64,
    pub(super) receives: u32,
    pub(super) visible_at: i64,
    pub(super) tenant: String,
}

impl Receipt {
    pub(super) fn to_text(&self) -> String {
        let Self {
            message_id,
            receives,
            visible_at,
            tenant,
        } = self;
        format!("{message_id}:{receives}:{visible_at}:{tenant}")
    }

    pub(super) fn of_text(text: &str) -> Option<Self> {
        // The tenant is last, whatever its name is made of.
        let mut parts = text.splitn(4, ':');
        Some(Self {
            message_id: parts.next()?.parse().ok()?,
            receives: parts.next()?.parse().ok()?,
            visible_at: parts.next()?.parse().ok()?,
            tenant: parts.next()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database;

    #[test]
    fn numbers_go_on_after_all_messages_of_all_queues() {
        let rows = database::in_memory();
        assert_eq!(MessageIds::after_all(&rows).unwrap().next(), 1);
        rows.execute_batch(
            "INSERT INTO messages (queue, tenant, visible_at, message_id, body)
             VALUES ('flows', 'a', 0, 41, ''), ('quarantine', 'b', 1, 7, '')",
        )
        .unwrap();
        let ids = MessageIds::after_all(&rows).unwrap();
        assert_eq!((ids.next(), ids.clone().next(), ids.next()), (42, 43, 44));
    }

    #[test]
    fn a_receipt_is_read_as_it_was_written() {
        let receipt = Receipt {
            message_id: 7,
            receives: 2,
            visible_at: 1_700_000_000_000,
            tenant: "a:b".to_owned(),
        };
        assert_eq!(Receipt::of_text(&receipt.to_text()), Some(receipt));
        assert_eq!(Receipt::of_text("7:2"), None);
        assert_eq!(Receipt::of_text("x:2:3:a"), None);
    }
}
