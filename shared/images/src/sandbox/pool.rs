//! A codec process for each core, each owned by a thread that feeds it.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, available_parallelism};

use assetmill_core::{Failure, FailureCode, Product, Setback};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::slot::{self, Killer, Process};
use super::{Allowance, Confinement, SandboxError, Usage};
use crate::work::Job;

/// Codec processes, as many as there are cores, started once and used again. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Pool {
    tasks: Sender<Task>,
}

/// What a process is to do, and with how much.
pub(crate) struct Assignment {
    pub(crate) job: Job,
    pub(crate) allowance: Allowance,
    pub(crate) asset: Bytes,
    pub(crate) second: Bytes,
}

/// A job that was done to its end, and what it took.
pub(crate) type Done = (Result<Product, Failure>, Usage);

/// An assignment in line, and whom its result is for.
pub(super) struct Task {
    pub(super) assignment: Assignment,
    answer: oneshot::Sender<Result<Done, Setback>>,
    running: Arc<Mutex<Option<Killer>>>,
}

/// Ends the process that works for a future which was dropped.
struct KillOnDrop(Arc<Mutex<Option<Killer>>>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(killer) = lock(&self.0).take() {
            killer.kill();
        }
    }
}

impl Task {
    /// From here on the process works for this task.
    pub(super) fn begin(&self, killer: Killer) {
        *lock(&self.running) = Some(killer);
    }

    /// The process works for it no more. Whether somebody still waits for the result.
    pub(super) fn end(&self) -> bool {
        lock(&self.running).take();
        !self.answer.is_closed()
    }

    pub(super) fn answer(self, result: Result<Done, Setback>) {
        // Whoever waited may be gone.
        let _ = self.answer.send(result);
    }
}

impl Pool {
    /// Starts the processes, without waiting for them unless their confinement is required.
    ///
    /// # Errors
    /// [`SandboxError`] when no process can be started, or it is not confined although it has to be.
    pub(crate) fn start(confinement: Confinement) -> Result<Self, SandboxError> {
        let (tasks, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut first = match confinement {
            Confinement::Preferred => None,
            Confinement::Required => Some(confined()?),
        };
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        for number in 0..cores {
            let (queue, first) = (queue.clone(), first.take());
            let slot = move || {
                let process = first.or_else(|| start_early(number));
                slot::run(process, || next(&queue));
            };
            thread::Builder::new()
                .name(format!("codecs-{number}"))
                .spawn(slot)?;
        }
        Ok(Self { tasks })
    }

    /// Has the assignment done by the next process that is free. Dropping the future ends the process that
    /// works on it.
    pub(crate) async fn run(&self, assignment: Assignment) -> Result<Done, Setback> {
        let (answer, answered) = oneshot::channel();
        let running = Arc::new(Mutex::new(None));
        let _kill = KillOnDrop(running.clone());
        let task = Task {
            assignment,
            answer,
            running,
        };
        let ending = || {
            Setback::transient(
                FailureCode::OperationCrashed,
                "the operation did not finish: the service is ending; try again",
            )
        };
        self.tasks.send(task).map_err(|_| ending())?;
        answered.await.map_err(|_| ending())?
    }
}

/// The next task that somebody still waits for.
fn next(queue: &Mutex<Receiver<Task>>) -> Option<Task> {
    loop {
        // Held while it waits: whoever comes second waits for the lock.
        let task = lock(queue).recv().ok()?;
        if !task.answer.is_closed() {
            return Some(task);
        }
    }
}

fn confined() -> Result<Process, SandboxError> {
    let process = Process::start()?;
    match &process.hello.confined {
        Ok(()) => Ok(process),
        Err(reason) => Err(SandboxError::Unconfined {
            reason: reason.clone(),
        }),
    }
}

/// A process that is there before the first picture is. Where that fails, the first picture tells.
fn start_early(number: usize) -> Option<Process> {
    match Process::start() {
        Ok(process) => {
            if let (0, Err(reason)) = (number, &process.hello.confined) {
                tracing::warn!(reason, "codecs run without a filter of system calls");
            }
            Some(process)
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "no codec process");
            None
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
