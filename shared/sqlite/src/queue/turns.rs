//! Whose messages are delivered next.
//!
//! The tenant of which fewest are held is next, however many messages of others have waited for longer. So a tenant that
//! comes with few messages waits for none of another's that aren't held yet.

use jiff::Timestamp;
use rusqlite::{Connection, named_params};

/// Where the messages of each tenant begin in the table: those that wait, and those that were delivered. Steps from tenant
/// to tenant, past all messages of each.
const STRETCHES: &str = "WITH RECURSIVE stretches (received, tenant) AS (
         SELECT column1, (SELECT min(tenant) FROM messages
             WHERE queue = :queue AND received = column1)
         FROM (VALUES (0), (1))
         UNION ALL
         SELECT received, (SELECT min(tenant) FROM messages AS others
             WHERE others.queue = :queue AND others.received = stretches.received
               AND others.tenant > stretches.tenant)
         FROM stretches WHERE tenant IS NOT NULL)";

/// A tenant with messages that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) tenant: String,
    /// How many of its messages are held.
    pub(super) held: usize,
    /// Whether one is due that was delivered before.
    pub(super) again: bool,
}

/// The tenants of which a message is due.
pub(super) fn turns(rows: &Connection, queue: &str, now: Timestamp) -> rusqlite::Result<Vec<Turn>> {
    let mut turns = rows.prepare_cached(&format!(
        // Each column of the inner query once: SQLite looks again wherever it is named.
        "{STRETCHES}
         SELECT tenant, sum(held) AS held, max(CASE WHEN due THEN received END) AS again
         FROM (SELECT tenant, received,
                 CASE received WHEN 0 THEN 0 ELSE (SELECT count(*) FROM messages AS held
                     WHERE held.queue = :queue AND held.received = 1
                       AND held.tenant = stretches.tenant AND visible_at > :now) END AS held,
                 EXISTS (SELECT 1 FROM messages AS due
                     WHERE due.queue = :queue AND due.received = stretches.received
                       AND due.tenant = stretches.tenant AND visible_at <= :now) AS due
             FROM stretches WHERE tenant IS NOT NULL)
         GROUP BY tenant HAVING again IS NOT NULL"
    ))?;
    turns
        .query_map(
            named_params! { ":queue": queue, ":now": now.as_millisecond() },
            |row| {
                Ok(Turn {
                    tenant: row.get("tenant")?,
                    held: row.get("held")?,
                    again: row.get("again")?,
                })
            },
        )?
        .collect()
}

/// When the next message becomes visible that is not.
pub(super) fn next_visible(
    rows: &Connection,
    queue: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<Timestamp>> {
    let next: Option<i64> = rows
        .prepare_cached(&format!(
            "{STRETCHES}
             SELECT min((SELECT min(visible_at) FROM messages AS later
                 WHERE later.queue = :queue AND later.received = stretches.received
                   AND later.tenant = stretches.tenant AND visible_at > :now))
             FROM stretches WHERE tenant IS NOT NULL"
        ))?
        .query_row(
            named_params! { ":queue": queue, ":now": now.as_millisecond() },
            |row| row.get(0),
        )?;
    Ok(next.and_then(|next| Timestamp::from_millisecond(next).ok()))
}

/// Who is next, and how many messages it takes before somebody else is, of `left` that are wanted.
pub(super) fn next(turns: &[Turn], left: usize, most: usize) -> Option<(usize, usize)> {
    let next = (0..turns.len()).min_by_key(|place| turns[*place].held)?;
    let held = turns[next].held;
    let others = turns.iter().enumerate();
    let others = others.filter(|(place, _)| *place != next);
    let until = others.map(|(_, turn)| turn.held + 1).min().unwrap_or(most);
    let some = until.min(most).saturating_sub(held);
    (some > 0).then_some((next, some.min(left)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(held: &[usize]) -> Vec<Turn> {
        let turn = |held: &usize| Turn {
            tenant: String::new(),
            held: *held,
            again: false,
        };
        held.iter().map(turn).collect()
    }

    #[test]
    fn who_holds_least_is_next_until_another_does() {
        assert_eq!(next(&turns(&[]), 10, 100), None);
        assert_eq!(next(&turns(&[7]), 10, 100), Some((0, 10)));
        assert_eq!(next(&turns(&[95]), 10, 100), Some((0, 5)));
        assert_eq!(next(&turns(&[100]), 10, 100), None);
        assert_eq!(next(&turns(&[60, 2, 5]), 10, 100), Some((1, 4)));
        assert_eq!(next(&turns(&[3, 3]), 10, 100), Some((0, 1)));
    }
}
