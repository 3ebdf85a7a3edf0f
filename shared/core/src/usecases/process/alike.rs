//! What one process would do twice at the same time: equal free work, and a flow that is not claimed yet.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::{FlowId, WorkKey};

/// How many works are remembered before those are forgotten that are done.
const TIDY_AT: usize = 1_024;

/// The free works that this process is at: whoever comes to the same work waits for the first, and finds what it made.
/// And the flows that it took up and did not claim yet. Its clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Alike {
    works: Arc<Mutex<Works>>,
    flows: Arc<Mutex<HashSet<FlowId>>>,
}

/// A flow that is taken up in this process, until this is dropped.
#[derive(Debug)]
pub(super) struct TakenUp {
    flows: Arc<Mutex<HashSet<FlowId>>>,
    flow: FlowId,
}

impl Drop for TakenUp {
    fn drop(&mut self) {
        lock(&self.flows).remove(&self.flow);
    }
}

#[derive(Debug, Default)]
struct Works {
    turns: HashMap<WorkKey, Weak<Turn<()>>>,
    tidy_at: usize,
}

impl Alike {
    /// Waits for whoever is at this work. The first to come has it until the guard is dropped; `None` for others, once
    /// the first is done: if it made nothing, none of them waits for another.
    pub(super) async fn first(&self, work: &WorkKey) -> Option<OwnedMutexGuard<()>> {
        let turn = lock(&self.works).turn(work);
        if let Ok(first) = turn.clone().try_lock_owned() {
            return Some(first);
        }
        drop(turn.lock_owned().await);
        None
    }

    /// Takes up a flow; `None` if it is taken up already.
    pub(super) fn take_up(&self, flow: FlowId) -> Option<TakenUp> {
        let is_first = lock(&self.flows).insert(flow);
        // Not made for who comes second: to drop it would tell that the first is done.
        is_first.then(|| TakenUp {
            flows: self.flows.clone(),
            flow,
        })
    }
}

/// Nothing panics while it holds one of these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
