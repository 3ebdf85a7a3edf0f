//! Whose messages are delivered next.
//!
//! The tenant of which fewest are held is next, however many messages of others have waited for longer. So a tenant that
//! comes with few messages waits for none of another's that aren't held yet.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

/// A tenant with messages that are due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) tenant: String,
    /// How many of its messages are held.
    pub(super) held: usize,
    /// Whether one is due that was delivered before.
    pub(super) again: bool,
}

/// The tenants of which a message is due, and when one of another is, or comes again that is held.
pub(super) fn turns(
    rows: &Connection,
    queue: &str,
    now: Timestamp,
) -> rusqlite::Result<(Vec<Turn>, Option<Timestamp>)> {
    let now = now.as_millisecond();
    let mut turns = BTreeMap::new();
    let mut next = Vec::new();
    for (tenant, first) in firsts(rows, queue, false)? {
        if first <= now {
            turns.insert(tenant, Turn::default());
        } else {
            next.push(first);
        }
    }
    for (tenant, first) in firsts(rows, queue, true)? {
        let again = first <= now;
        if again {
            next.extend(held_until(rows, queue, &tenant, now)?);
            turns.entry(tenant.clone()).or_default().again = true;
        } else {
            next.push(first);
        }
        if let Some(turn) = turns.get_mut(&tenant) {
            turn.held = held(rows, queue, &tenant, now)?;
        }
    }
    let turns = turns.into_iter();
    let turns = turns.map(|(tenant, turn)| Turn { tenant, ..turn });
    let next = next.into_iter().min();
    let next = next.and_then(|next| Timestamp::from_millisecond(next).ok());
    Ok((turns.collect(), next))
}

/// When the first message of each tenant is due, of those that wait or of those that were delivered. Steps from tenant to
/// tenant, past all messages of each.
fn firsts(rows: &Connection, queue: &str, received: bool) -> rusqlite::Result<Vec<(String, i64)>> {
    let first = |from: &str| {
        format!(
            "SELECT tenant, visible_at FROM messages
             WHERE queue = ?1 AND received = ?2 AND tenant {from} ?3
             ORDER BY tenant, visible_at LIMIT 1"
        )
    };
    let mut firsts: Vec<(String, i64)> = Vec::new();
    let mut step = rows.prepare_cached(&first(">="))?;
    loop {
        let before = firsts.last().map_or("", |(tenant, _)| tenant);
        let found = step.query_row(params![queue, received, before], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        let Some(found) = found.optional()? else {
            return Ok(firsts);
        };
        if firsts.is_empty() {
            step = rows.prepare_cached(&first(">"))?;
        }
        firsts.push(found);
    }
}

fn held(rows: &Connection, queue: &str, tenant: &str, now: i64) -> rusqlite::Result<usize> {
    rows.prepare_cached(
        "SELECT count(*) FROM messages
         WHERE queue = ?1 AND received = 1 AND tenant = ?2 AND visible_at > ?3",
    )?
    .query_row(params![queue, tenant, now], |row| row.get(0))
}

/// When the next comes again of those of a tenant that are held.
fn held_until(
    rows: &Connection,
    queue: &str,
    tenant: &str,
    now: i64,
) -> rusqlite::Result<Option<i64>> {
    rows.prepare_cached(
        "SELECT min(visible_at) FROM messages
         WHERE queue = ?1 AND received = 1 AND tenant = ?2 AND visible_at > ?3",
    )?
    .query_row(params![queue, tenant, now], |row| row.get(0))
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
