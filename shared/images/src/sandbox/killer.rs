//! Ending a codec process from elsewhere.

use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};

/// What ends the process of a job that nobody waits for any more.
#[derive(Clone)]
pub(super) struct Killer(Arc<Mutex<Child>>);

impl Killer {
    pub(super) fn of(process: Arc<Mutex<Child>>) -> Self {
        Self(process)
    }

    pub(super) fn kill(&self) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is dead already is what is wanted.
        let _ = child.kill();
    }
}
