//! How a command ended, as its exit code says it.

use std::process::ExitCode;

/// How a command ended that was no error. An error is 1, and what clap refuses is 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All that was asked for is done: 0.
    Well,
    /// Some of it failed, and was told: 3.
    SomeFailed,
    /// It was interrupted, and the same command goes on: 130, as shells have it for SIGINT.
    Interrupted,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::Well => 0,
            Ended::SomeFailed => 3,
            Ended::Interrupted => 130,
        })
    }
}
