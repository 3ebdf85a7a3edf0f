//! Whose messages are delivered next.
//!
//! The tenant of which fewest are held is next, however many messages of others have waited for longer. So a tenant that
//! comes with few messages waits for none of another's that aren't held yet.

use jiff::Timestamp;
use rusqlite::{Connection, named_params};

/// A tenant with messages that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) tenant: String,
    /// How many of its messages are held.
    pub(super) held: usize,
}

/// The tenants of which a message is due and fewer than `most` are held.
pub(super) fn turns(
    rows: &Connection,
    queue: &str,
    now: Timestamp,
    most: usize,
) -> rusqlite::Result<Vec<Turn>> {
    let mut turns = rows.prepare_cached(
        // Steps from tenant to tenant in the index, past all messages of each.
        "WITH RECURSIVE tenants (tenant) AS (
             SELECT min(tenant) FROM messages WHERE queue = :queue
             UNION ALL
             SELECT (SELECT min(tenant) FROM messages
                 WHERE queue = :queue AND tenant > tenants.tenant)
             FROM tenants WHERE tenant IS NOT NULL)
         SELECT tenant, (SELECT count(*) FROM messages AS held
             WHERE held.queue = :queue AND held.tenant = tenants.tenant
               AND receives > 0 AND visible_at > :now) AS held
         FROM tenants
         WHERE tenant IS NOT NULL AND held < :most AND EXISTS (SELECT 1 FROM messages AS due
             WHERE due.queue = :queue AND due.tenant = tenants.tenant AND visible_at <= :now)",
    )?;
    turns
        .query_map(
            named_params! {
                ":queue": queue,
                ":now": now.as_millisecond(),
                ":most": i64::try_from(most).unwrap_or(i64::MAX),
            },
            |row| {
                Ok(Turn {
                    tenant: row.get("tenant")?,
                    held: row.get("held")?,
                })
            },
        )?
        .collect()
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
