//! How the terminal was before somebody typed what is not to be seen.

#[cfg(unix)]
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// How the terminal on stdin was.
pub(super) struct Echo {
    #[cfg(unix)]
    before: Option<Termios>,
}

impl Echo {
    /// How it is now.
    pub(super) fn now() -> Self {
        Self {
            #[cfg(unix)]
            before: tcgetattr(std::io::stdin()).ok(),
        }
    }

    /// Has it as it was. Where that can't be, nothing else would help either.
    pub(super) fn restore(&self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
