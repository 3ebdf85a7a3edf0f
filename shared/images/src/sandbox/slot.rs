//! One place of the pool: a thread that owns a codec process, and replaces it when it is gone.

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use assetmill_core::{FailureCode, OperationError, Product};
use rustix::pipe::fcntl_setpipe_size;

use super::child::{Request, Response, TAKEN};
use super::death::Death;
use super::killer::Killer;
use super::task::{Assignment, Done, Task, not_finished};
use super::{CHILD, Hello, frame};

/// The whole environment of a codec process: large pieces of memory go back to the system when they are
/// freed, so that what one picture took is not counted on the next (`mallopt(3)`).
const ENVIRONMENT: &[(&str, &str)] = &[
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "8388608"),
    ("MALLOC_TRIM_THRESHOLD_", "8388608"),
];
/// The most that a pipe holds without privileges (`pipe(7)`): a photograph takes fewer turns.
const PIPE_BYTES: usize = 1024 * 1024;

/// A codec process, ready for a job.
pub(super) struct Process {
    child: Arc<Mutex<Child>>,
    requests: ChildStdin,
    responses: ChildStdout,
    pub(super) hello: Hello,
}

/// A process that is gone.
enum Gone {
    /// Before it took the job: nothing that the picture did.
    Before(io::Error),
    /// After it had taken it.
    During,
}

impl Process {
    /// Starts a process, and waits until it is ready.
    pub(super) fn start() -> io::Result<Self> {
        let mut child = Command::new(own_binary()?)
            .arg0("assetmill-codecs")
            .arg(CHILD)
            .env_clear()
            .envs(ENVIRONMENT.iter().copied())
            .current_dir("/")
            // A terminal's Ctrl-C is for the program, which finishes what it has begun.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(requests), Some(mut responses)) = (child.stdin.take(), child.stdout.take())
        else {
            return Err(io::Error::other("its pipes are missing"));
        };
        // Smaller ones work as well.
        let _ = fcntl_setpipe_size(&requests, PIPE_BYTES);
        let _ = fcntl_setpipe_size(&responses, PIPE_BYTES);
        let hello = match frame::read_head(&mut responses) {
            Ok(Some(hello)) => hello,
            answered => {
                child.kill()?;
                child.wait()?;
                let reason = match answered {
                    Err(error) => error.to_string(),
                    Ok(_) => "it ended before it was ready".to_owned(),
                };
                let question = "does its main call run_if_child?";
                return Err(io::Error::other(format!("{reason}: {question}")));
            }
        };
        Ok(Self {
            child: Arc::new(Mutex::new(child)),
            requests,
            responses,
            hello,
        })
    }

    fn work(&mut self, assignment: &Assignment) -> Result<Done, Gone> {
        let sent = self.send(assignment);
        let mut taken = [0];
        match self.responses.read_exact(&mut taken) {
            Ok(()) if taken == [TAKEN] => self.receive(assignment).map_err(|_| Gone::During),
            Ok(()) => Err(Gone::During),
            Err(error) => Err(Gone::Before(sent.err().unwrap_or(error))),
        }
    }

    fn send(&mut self, assignment: &Assignment) -> io::Result<()> {
        let request = Request {
            job: assignment.job,
            allowance: assignment.allowance,
        };
        frame::write_head(&mut self.requests, &request)?;
        frame::write_content(&mut self.requests, &assignment.asset)?;
        frame::write_content(&mut self.requests, &assignment.second)
    }

    fn receive(&mut self, assignment: &Assignment) -> io::Result<Done> {
        let response = frame::read_head(&mut self.responses)?;
        let Response { outcome, used } = response.ok_or(io::ErrorKind::UnexpectedEof)?;
        let product = match outcome {
            Ok(media_type) => {
                let most = assignment.allowance.memory;
                let content = frame::read_content(&mut self.responses, most)?.into();
                Ok(Product {
                    content,
                    media_type,
                })
            }
            Err(failure) => Err(failure),
        };
        Ok((product, used))
    }

    fn death(&self) -> io::Result<Death> {
        Death::of(&mut self.child.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Gone already, or as good as.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Does a task with the process, or with another where that is gone.
pub(super) fn work(process: &mut Option<Process>, task: Task) {
    let attempted = attempt(process, &task);
    // A process that was gone before it took the job is replaced, and the job begins anew.
    let attempted = attempted.or_else(|_| attempt(process, &task));
    task.answer(attempted.unwrap_or_else(|error| Err(not_started(&error))));
    if process.is_none() {
        // Where that fails, the next picture tries again, and tells.
        *process = Process::start().ok();
    }
}

/// One try at a task. The process is kept unless it is gone; an error says that it was gone before it took
/// the job.
fn attempt(process: &mut Option<Process>, task: &Task) -> io::Result<Result<Done, OperationError>> {
    let mut ready = match process.take() {
        Some(ready) => ready,
        None => Process::start()?,
    };
    let assignment = &task.assignment;
    if !task.begin(Killer::of(ready.child.clone())) {
        task.end();
        *process = Some(ready);
        return Ok(Err(not_finished()));
    }
    let worked = ready.work(assignment);
    let wanted = task.end();
    match worked {
        Ok(done) => {
            *process = Some(ready);
            Ok(Ok(done))
        }
        Err(Gone::Before(error)) => Err(error),
        Err(Gone::During) => {
            let death = ready.death()?;
            if wanted {
                death.log();
            }
            Ok(Err(death.error(assignment.allowance)))
        }
    }
}

pub(super) fn not_started(error: &io::Error) -> OperationError {
    OperationError::transient(
        FailureCode::OperationCrashed,
        format!("no process for codecs could be started: {error}; try again later"),
    )
}

/// The file of this program, also after it was replaced by a newer one.
fn own_binary() -> io::Result<std::path::PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe()
}
