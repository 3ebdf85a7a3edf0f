//! Equal free work that begins at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::WorkKey;

/// How many works are remembered before those are forgotten that are done.
const TIDY_AT: usize = 1_024;

/// The free works that this process is at: whoever comes to the same work waits for the first, and finds what it made.
/// Its clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Alike(Arc<Mutex<Works>>);

#[derive(Debug, Default)]
struct Works {
    turns: HashMap<WorkKey, Weak<Turn<()>>>,
    tidy_at: usize,
}

impl Alike {
    /// Waits for whoever is at this work. The first to come has it until the guard is dropped; `None` for others, once
    /// the first is done: if it made nothing, none of them waits for another.
    pub(super) async fn first(&self, work: &WorkKey) -> Option<OwnedMutexGuard<()>> {
        let turn = self.works().turn(work);
        if let Ok(first) = turn.clone().try_lock_owned() {
            return Some(first);
        }
        drop(turn.lock_owned().await);
        None
    }

    fn works(&self) -> MutexGuard<'_, Works> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Works {
    fn turn(&mut self, work: &WorkKey) -> Arc<Turn<()>> {
        if let Some(turn) = self.turns.get(work).and_then(Weak::upgrade) {
            return turn;
        }
        if self.turns.len() >= self.tidy_at.max(TIDY_AT) {
            self.turns.retain(|_, turn| turn.strong_count() > 0);
            self.tidy_at = 2 * self.turns.len();
        }
        let turn = Arc::new(Turn::new(()));
        self.turns.insert(work.clone(), Arc::downgrade(&turn));
        turn
    }
}
