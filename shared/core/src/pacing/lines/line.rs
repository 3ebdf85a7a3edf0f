//! One line, and which of its places were given up.

use std::cmp::Reverse;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{LineId, Slot};

/// How many spans of places that were given up are known of a line.
const MOST_SPANS: usize = 8;

/// Flows of one tenant. In JSON a list, which is short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "InRow", into = "InRow")]
pub(super) struct Line {
    pub(super) id: LineId,
    /// Whose turn is next.
    pub(super) next: i64,
    /// How many there are, one number after the other.
    pub(super) length: u32,
    /// They have no turn before.
    pub(super) from: i64,
    /// What is left of its head start.
    pub(super) ahead: u32,
    /// Whether each had its turn as it came, and nobody looks for it.
    pub(super) used: bool,
    /// The numbers of flows that will not come, for others of the tenant.
    pub(super) vacant: VecDeque<Span>,
}

/// So many numbers from the first on.
type Span = (i64, u32);
type InRow = (LineId, i64, u32, i64, u32, u8, VecDeque<Span>);

impl From<InRow> for Line {
    fn from((id, next, length, from, ahead, used, vacant): InRow) -> Self {
        Self {
            id,
            next,
            length,
            from,
            ahead,
            used: used != 0,
            vacant,
        }
    }
}

impl From<Line> for InRow {
    fn from(line: Line) -> Self {
        let Line {
            id,
            next,
            length,
            from,
            ahead,
            used,
            vacant,
        } = line;
        (id, next, length, from, ahead, used.into(), vacant)
    }
}

impl Line {
    /// The number after its last.
    fn end(&self) -> i64 {
        self.next.saturating_add(i64::from(self.length))
    }

    /// Its last place.
    pub(super) fn last(&self) -> Slot {
        Slot(self.end() - 1)
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        (self.next..self.end()).contains(&slot.0)
    }

    /// Serves the next.
    pub(super) fn serve(&mut self) -> Slot {
        let number = self.next;
        self.next += 1;
        self.length = self.length.saturating_sub(1);
        self.from = 0;
        self.ahead = self.ahead.saturating_sub(1);
        self.forget_vacant(number);
        Slot(number)
    }

    /// What is vacant up to this number is so no more.
    pub(super) fn forget_vacant(&mut self, number: i64) {
        while let Some((first, length)) = self.vacant.front_mut() {
            let passed = number.saturating_add(1).saturating_sub(*first);
            match u32::try_from(passed) {
                Ok(passed) if passed >= *length => {
                    self.vacant.pop_front();
                }
                Ok(passed) => {
                    *first += i64::from(passed);
                    *length -= passed;
                    return;
                }
                Err(_) => return,
            }
        }
    }

    /// Takes away what is vacant at its end, as long as it has more than so many.
    pub(super) fn shorten_to(&mut self, kept: u32) {
        while let Some(&(first, length)) = self.vacant.back()
            && first + i64::from(length) == self.end()
            && self.length > kept
        {
            let less = length.min(self.length - kept);
            self.length -= less;
            self.vacant.pop_back();
            if less < length {
                self.vacant.push_back((first, length - less));
                return;
            }
        }
    }

    /// Notes that nobody comes for these numbers, which MUST be in order. Of more spans than are kept, it is the longest.
    pub(super) fn vacate(&mut self, numbers: &[i64]) {
        let from = numbers.partition_point(|number| *number < self.next);
        let to = numbers.partition_point(|number| *number < self.end());
        let mut spans: Vec<Span> = numbers[from..to]
            .iter()
            .map(|number| (*number, 1))
            .collect();
        spans.extend(&self.vacant);
        spans.sort_unstable();
        let mut joined: Vec<Span> = Vec::new();
        for (first, length) in spans {
            match joined.last_mut() {
                Some((start, all)) if *start + i64::from(*all) == first => *all += length,
                // It was given up before.
                Some((start, all)) if *start + i64::from(*all) > first => {
                    let end = first + i64::from(length);
                    let longer = u32::try_from(end - *start).unwrap_or(u32::MAX);
                    *all = longer.max(*all);
                }
                _ => joined.push((first, length)),
            }
        }
        joined.sort_unstable_by_key(|(_, length)| Reverse(*length));
        joined.truncate(MOST_SPANS);
        joined.sort_unstable();
        self.vacant = joined.into();
    }
}
