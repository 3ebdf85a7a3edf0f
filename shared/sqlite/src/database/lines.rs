//! Who is next at a thread.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use assetmill_core::TenantId;

/// For how long tenants share a thread, once one came after another.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// Whose work it is. Each of these stands in a line of its own, and the lines take turns: whoever asks for much at the same
/// time stands in its own way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// A tenant asked for it, or it is about a flow of a tenant.
    Of(TenantId),
    /// Those that look for flows to work on.
    Receiving,
    /// Those that have worked on one: as many as are in the works.
    Acknowledging,
    /// Nobody's in particular.
    Nobodys,
}

impl From<&TenantId> for Whose {
    fn from(tenant: &TenantId) -> Self {
        Self::Of(tenant.clone())
    }
}

/// Work that waits for a thread.
pub(super) struct Waiting<J> {
    pub(super) whose: Whose,
    /// What it takes, in rows.
    pub(super) rows: usize,
    pub(super) job: J,
}

/// What waits for a thread, in lines that take turns.
pub(super) struct Lines<J> {
    waiting: HashMap<Whose, VecDeque<Waiting<J>>>,
    /// Those that are not empty, in the order of their turns.
    turns: VecDeque<Whose>,
    rows: usize,
    /// The tenant that came last, and until when others than this one came lately.
    last: Option<TenantId>,
    shared_until: Option<Instant>,
}

impl<J> Lines<J> {
    pub(super) fn new() -> Self {
        Self {
            waiting: HashMap::new(),
            turns: VecDeque::new(),
            rows: 0,
            last: None,
            shared_until: None,
        }
    }

    /// How many lines wait.
    pub(super) fn count(&self) -> usize {
        self.turns.len()
    }

    /// What all that waits takes.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether several tenants have asked for something lately: then each waits for what the others have done together, which
    /// has to be little.
    pub(super) fn are_shared(&self) -> bool {
        self.shared_until
            .is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn push(&mut self, waiting: Waiting<J>) {
        self.note(&waiting.whose);
        self.rows += waiting.rows;
        if let Some(line) = self.waiting.get_mut(&waiting.whose) {
            return line.push_back(waiting);
        }
        self.turns.push_back(waiting.whose.clone());
        let whose = waiting.whose.clone();
        self.waiting.insert(whose, VecDeque::from([waiting]));
    }

    fn note(&mut self, whose: &Whose) {
        let Whose::Of(tenant) = whose else {
            return;
        };
        if self.last.as_ref() == Some(tenant) {
            return;
        }
        if self.last.replace(tenant.clone()).is_some() {
            self.shared_until = Some(Instant::now() + SHARED_FOR);
        }
    }

    /// The next of each line in turn, as long as they take no more than so many rows in all; one at the least, if any
    /// waits.
    pub(super) fn next(&mut self, most_rows: usize) -> Vec<J> {
        let (mut jobs, mut rows) = (Vec::new(), 0);
        while let Some(whose) = self.turns.pop_front() {
            let Some(line) = self.waiting.get_mut(&whose) else {
                continue;
            };
            let fits = |next: &Waiting<J>| jobs.is_empty() || rows + next.rows <= most_rows;
            if !line.front().is_some_and(fits) {
                // It stays first, lest those that want less pass it for ever.
                self.turns.push_front(whose);
                break;
            }
            if let Some(next) = line.pop_front() {
                rows += next.rows;
                self.rows -= next.rows;
                jobs.push(next.job);
            }
            if line.is_empty() {
                self.waiting.remove(&whose);
            } else {
                self.turns.push_back(whose);
            }
        }
        jobs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Whose {
        Whose::Of(name.parse().unwrap())
    }

    fn lines(waiting: impl IntoIterator<Item = (&'static str, usize, u32)>) -> Lines<u32> {
        let mut lines = Lines::new();
        for (tenant, rows, job) in waiting {
            let whose = of(tenant);
            lines.push(Waiting { whose, rows, job });
        }
        lines
    }

    #[test]
    fn whoever_asks_for_much_stands_in_its_own_way() {
        let many = (0..100).map(|job| ("many", 1, job));
        let mut lines = lines(many.chain([("few", 1, 1_000), ("few", 1, 1_001)]));
        assert_eq!(lines.count(), 2);
        assert_eq!(lines.next(2), [0, 1_000]);
        assert_eq!(lines.next(3), [1, 1_001, 2]);
        assert_eq!(lines.count(), 1);
        assert_eq!(lines.next(1_000), (3..100).collect::<Vec<_>>());
        assert_eq!(lines.next(1_000), [0; 0]);
        assert_eq!((lines.count(), lines.rows()), (0, 0));
    }

    #[test]
    fn what_is_large_has_its_turn() {
        let small = (0..10).map(|job| ("small", 1, job));
        let mut lines = lines(
            [("large", 250, 100), ("large", 250, 101)]
                .into_iter()
                .chain(small),
        );
        assert_eq!(lines.next(64), [100]);
        assert_eq!(lines.next(64), [0]);
        assert_eq!(lines.next(64), [101]);
        assert_eq!(lines.next(64), (1..10).collect::<Vec<_>>());
    }

    #[test]
    fn one_tenant_shares_with_nobody() {
        let mut lines = lines([("a", 1, 1), ("a", 1, 2)]);
        for whose in [Whose::Receiving, Whose::Nobodys, of("a")] {
            lines.push(Waiting {
                whose,
                rows: 1,
                job: 3,
            });
        }
        assert!(!lines.are_shared());
        lines.push(Waiting {
            whose: of("b"),
            rows: 1,
            job: 4,
        });
        assert!(lines.are_shared());
    }

    #[test]
    fn each_line_is_in_the_order_in_which_it_was_asked() {
        let mut lines = lines([("a", 1, 1), ("b", 1, 2), ("a", 1, 3), ("b", 1, 4)]);
        assert_eq!(lines.next(10), [1, 2, 3, 4]);
    }
}
