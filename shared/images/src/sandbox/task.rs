//! What a codec process is to do, and whom it does it for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assetmill_core::{Failure, FailureCode, OperationError, Product};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::killer::Killer;
use super::{Allowance, Usage};
use crate::work::Job;

/// What a process is to do, and with how much.
pub(crate) struct Assignment {
    pub(crate) job: Job,
    pub(crate) allowance: Allowance,
    pub(crate) asset: Bytes,
    pub(crate) second: Bytes,
}

/// A job that was done to its end, and what it took.
pub(crate) type Done = (Result<Product, Failure>, Usage);

/// An assignment, and whom its result is for.
pub(super) struct Task {
    pub(super) assignment: Assignment,
    answer: oneshot::Sender<Result<Done, OperationError>>,
    running: Running,
}

/// The result of a task. Dropped before it came, it ends the process that works on it.
pub(super) struct Answer {
    // Closed first: a process that begins meanwhile sees that.
    answered: oneshot::Receiver<Result<Done, OperationError>>,
    _kill: KillOnDrop,
}

/// What ends the process that works on a task.
type Running = Arc<Mutex<Option<Killer>>>;

struct KillOnDrop(Running);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(killer) = lock(&self.0).take() {
            killer.kill();
        }
    }
}

impl Task {
    pub(super) fn new(assignment: Assignment) -> (Self, Answer) {
        let (answer, answered) = oneshot::channel();
        let running = Running::default();
        let task = Self {
            assignment,
            answer,
            running: running.clone(),
        };
        let answer = Answer {
            answered,
            _kill: KillOnDrop(running),
        };
        (task, answer)
    }

    /// From here on the process works for this task. Whether somebody waits for the result.
    pub(super) fn begin(&self, killer: Killer) -> bool {
        *lock(&self.running) = Some(killer);
        !self.answer.is_closed()
    }

    /// The process works for it no more. Whether somebody still waits for the result.
    pub(super) fn end(&self) -> bool {
        lock(&self.running).take();
        !self.answer.is_closed()
    }

    pub(super) fn answer(self, result: Result<Done, OperationError>) {
        // Whoever waited may be gone.
        let _ = self.answer.send(result);
    }
}

impl Answer {
    pub(super) async fn wait(mut self) -> Result<Done, OperationError> {
        (&mut self.answered).await.map_err(|_| not_finished())?
    }
}

/// Of a task that nobody brings to its end.
pub(super) fn not_finished() -> OperationError {
    OperationError::transient(
        FailureCode::OperationCrashed,
        "the operation did not finish: the service is ending; try again",
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
