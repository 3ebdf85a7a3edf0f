//! What the death of a codec process means for the flow that it worked for.

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};

use assetmill_core::{FailureCode, OperationError};

use super::Allowance;

/// How Rust's allocator says that there is no more, before it aborts.
const OUT_OF_MEMORY: &str = "memory allocation of";
/// The signal for too much of a core (`signal(7)`).
const SIGXCPU: i32 = rustix::process::Signal::XCPU.as_raw();
/// The most of its last words that are kept.
const MAX_WORDS: u64 = 4096;

/// A process that is gone, and its last words.
pub(super) struct Death {
    status: ExitStatus,
    words: String,
}

impl Death {
    /// Ends a process, if it has not ended, and sees how.
    pub(super) fn of(child: &mut Child) -> std::io::Result<Self> {
        // It broke off: whatever it is at now is for nobody.
        child.kill()?;
        let status = child.wait()?;
        let mut words = Vec::new();
        if let Some(said) = child.stderr.take() {
            said.take(MAX_WORDS).read_to_end(&mut words)?;
        }
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        Ok(Self { status, words })
    }

    /// Tells the operator.
    pub(super) fn log(&self) {
        tracing::warn!(status = %self.status, words = self.words, "codec process died");
    }

    /// The error of the flow: at once and for good, as the same picture would do the same again.
    pub(super) fn error(&self, allowance: Allowance) -> OperationError {
        let too_expensive = |took: String| {
            OperationError::permanent(
                FailureCode::OperationTooExpensive,
                format!(
                    "the operation was stopped: it took more than {took} that were set aside for this \
                     asset; use a smaller or simpler one"
                ),
            )
        };
        if self.status.signal() == Some(SIGXCPU) {
            return too_expensive(format!("the {} s of a core", allowance.cpu.as_secs()));
        }
        if self.words.contains(OUT_OF_MEMORY) {
            return too_expensive(format!("the {} MB", allowance.memory / 1_000_000));
        }
        OperationError::permanent(
            FailureCode::OperationCrashed,
            "the operation did not finish: this asset stopped its process; use another copy of it, or \
             another format",
        )
    }
}
