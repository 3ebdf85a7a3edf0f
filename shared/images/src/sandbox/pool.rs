//! Codec processes, each owned by a thread that feeds it, and who may use them.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, available_parallelism};
use std::time::Duration;

use assetmill_core::{OperationError, Share, Shares, TenantId};

use super::slot::{self, Process};
use super::task::{Assignment, Done, Task};
use super::{Confinement, SandboxError};

/// How long a process that is one too many waits for another picture.
const LINGER: Duration = Duration::from_secs(10);

/// Codec processes: one for each core, started once and used again, which one tenant may use all at once;
/// and as many for the others while it does, which end when nobody needs them. The cores are shared out by
/// the system. Dropping the pool ends them.
#[derive(Debug)]
pub(crate) struct Pool {
    places: Shares,
    slots: Arc<Slots>,
}

/// The slots that wait for a task. There are as many as there were places taken at the same time.
#[derive(Debug)]
struct Slots {
    kept: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Slot>,
    started: usize,
}

/// A thread with a codec process, at its other end.
#[derive(Debug)]
struct Slot {
    number: usize,
    tasks: Sender<Handed>,
}

/// A task, and what is given back once it is done.
struct Handed {
    task: Task,
    slot: Slot,
    place: Share,
}

impl Pool {
    /// Starts the processes, without waiting for them unless their confinement is required.
    ///
    /// # Errors
    /// [`SandboxError`] when no process can be started, or it is not confined although it has to be.
    pub(crate) fn start(confinement: Confinement) -> Result<Self, SandboxError> {
        let mut first = match confinement {
            Confinement::Preferred => None,
            Confinement::Required => Some(confined()?),
        };
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let slots = Arc::new(Slots {
            kept: cores,
            state: Mutex::default(),
        });
        for _ in 0..cores {
            let slot = slots.start(first.take())?;
            slots.state().idle.push(slot);
        }
        Ok(Self {
            places: Shares::new(2 * cores as u64, cores as u64),
            slots,
        })
    }

    /// Has the assignment done, once a process is free that the tenant may use. Dropping the future ends the
    /// process that works on it.
    pub(crate) async fn run(
        &self,
        tenant: &TenantId,
        assignment: Assignment,
    ) -> Result<Done, OperationError> {
        let place = self.places.take(tenant, 1).await;
        let (task, answer) = Task::new(assignment);
        self.slots
            .hand(task, place)
            .map_err(|error| slot::not_started(&error))?;
        answer.wait().await
    }
}

impl Slots {
    /// Has the task done by a slot that is free. Who holds a place finds one, or there is room for another.
    fn hand(self: &Arc<Self>, task: Task, place: Share) -> std::io::Result<()> {
        // A statement of its own, lest the lock be held while one is started.
        let free = self.state().idle.pop();
        let slot = match free {
            Some(slot) => slot,
            None => self.start(None)?,
        };
        let tasks = slot.tasks.clone();
        // One that can't take it is gone, and with it the task: whoever waits is told.
        let _ = tasks.send(Handed { task, slot, place });
        Ok(())
    }

    /// Starts a thread, and in it a process unless there is one.
    fn start(self: &Arc<Self>, process: Option<Process>) -> std::io::Result<Slot> {
        let (tasks, queue) = channel();
        let number = self.next_number();
        let slots = Arc::downgrade(self);
        let early = number < self.kept;
        let run = move || {
            let process = process.or_else(|| if early { start_early(number) } else { None });
            serve(process, &queue, number, &slots, early);
        };
        thread::Builder::new()
            .name(format!("codecs-{number}"))
            .spawn(run)?;
        Ok(Slot { number, tasks })
    }

    fn next_number(&self) -> usize {
        let mut state = self.state();
        state.started += 1;
        state.started - 1
    }

    /// Takes a slot back. Those that are kept are used first.
    fn take_back(&self, slot: Slot) {
        let mut state = self.state();
        if slot.number < self.kept {
            state.idle.push(slot);
        } else {
            state.idle.insert(0, slot);
        }
    }

    /// Takes a slot out, if no task is on its way to it.
    fn retire(&self, number: usize) -> bool {
        let mut state = self.state();
        let place = state.idle.iter().position(|slot| slot.number == number);
        place.map(|place| state.idle.remove(place)).is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what the slot of this number is handed, for as long as it is kept or needed.
fn serve(
    mut process: Option<Process>,
    queue: &Receiver<Handed>,
    number: usize,
    slots: &Weak<Slots>,
    kept: bool,
) {
    loop {
        let handed = if kept {
            queue.recv().map_err(RecvTimeoutError::from)
        } else {
            queue.recv_timeout(LINGER)
        };
        let Handed { task, slot, place } = match handed {
            Ok(handed) => handed,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                if slots.upgrade().is_none_or(|slots| slots.retire(number)) {
                    return;
                }
                continue;
            }
        };
        slot::work(&mut process, task);
        // In this order: who takes the place finds the slot.
        if let Some(slots) = slots.upgrade() {
            slots.take_back(slot);
        }
        drop(place);
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
