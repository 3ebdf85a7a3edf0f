//! The end of a program's life: what it waits for, how long, and how it says so.

use std::fmt;
use std::io::{self, Write as _};
use std::time::Duration;

use tokio::time::{Instant, interval_at};
use tokio_util::task::TaskTracker;

/// How often it is said what is left.
const EVERY: Duration = Duration::from_secs(5);

/// The flows in work: of the queue, and of callers who wait.
#[derive(Clone)]
pub(crate) struct InWork {
    pub(crate) queued: TaskTracker,
    pub(crate) answered: TaskTracker,
}

impl InWork {
    fn flows(&self) -> usize {
        self.queued.len() + self.answered.len()
    }

    /// Says what is waited for, and counts down until `grace` is over.
    pub(crate) async fn count_down(&self, grace: Duration) {
        let end = Instant::now() + grace;
        match self.flows() {
            0 => say(format_args!("Stopping. No flow is in work.")),
            flows => say(format_args!(
                "Stopping. Flows in work: {flows}; in {} s the rest goes back to the queue, or at once at another \
                 Ctrl-C.",
                grace.as_secs()
            )),
        }
        let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
        loop {
            let left = end.saturating_duration_since(ticks.tick().await);
            if left.is_zero() {
                return;
            }
            say(format_args!(
                "  Flows in work: {}; {} s",
                self.flows(),
                left.as_secs()
            ));
        }
    }
}

/// Prints a line. Whoever read them may have been stopped as well, and that is no reason to lose a flow.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}
