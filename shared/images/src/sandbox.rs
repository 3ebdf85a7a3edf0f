//! The wall between codecs and everything else: pictures are worked on in child processes of the same
//! binary, which hold no secret, reach no file and no network, and may take so much memory and so many
//! seconds of a core for one picture.
//!
//! What a picture does to such a process it does to nobody else: a process that overruns or dies fails the
//! one flow that it worked for, and is replaced. `docs/adr/0009-codecs-behind-a-wall.md` has the reasons
//! and what the wall costs.

mod child;
#[cfg(target_os = "linux")]
mod confine;
#[cfg(not(target_os = "linux"))]
#[path = "sandbox/unconfined.rs"]
mod confine;
mod death;
mod frame;
mod gauge;
mod killer;
mod pool;
mod slot;
mod task;

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use child::brought_down;
pub(crate) use pool::Pool;
pub(crate) use task::Assignment;

/// The argument that makes a binary a codec process.
const CHILD: &str = "codec-process";

/// Runs as a codec process if that is what this process was started as. Every program whose
/// [`Codecs`](crate::Codecs) are sandboxed MUST call it before anything else, and end with what it returns.
pub fn run_if_child() -> Option<ExitCode> {
    let asked = std::env::args_os().nth(1).is_some_and(|it| it == CHILD);
    asked.then(child::run)
}

/// What is asked of the kernel besides the bounds on memory and time, which are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confinement {
    /// A filter of system calls where the kernel has one (seccomp); without it, a line in the log.
    #[default]
    Preferred,
    /// That filter, or nothing starts.
    Required,
}

/// The text names no confinement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write prefer or require")]
pub struct NotAConfinement;

impl FromStr for Confinement {
    type Err = NotAConfinement;

    fn from_str(text: &str) -> Result<Self, NotAConfinement> {
        match text {
            "prefer" => Ok(Self::Preferred),
            "require" => Ok(Self::Required),
            _ => Err(NotAConfinement),
        }
    }
}

/// Why there are no codec processes.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A process can't be started, or does not answer.
    #[error("a process for codecs can't be started: {0}")]
    Start(#[from] std::io::Error),
    /// The confinement that was required is not to be had.
    #[error(
        "codecs can't be confined: {reason}; use a kernel with seccomp, or set ASSETMILL_SANDBOX=prefer \
         to run without"
    )]
    Unconfined {
        /// What the kernel said.
        reason: String,
    },
}

/// What one picture may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allowance {
    /// Bytes of memory.
    pub(crate) memory: u64,
    /// Time of a core; whole seconds are what the kernel counts.
    pub(crate) cpu: Duration,
}

/// What one picture took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// The most bytes that were resident at the same time, beyond those of an idle process. 0 where that
    /// can't be told.
    pub(crate) memory: u64,
    /// Time of a core.
    pub(crate) cpu: Duration,
}

/// What a process says when it is ready: whether system calls are filtered, or why not.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Hello {
    confined: Result<(), String>,
}
