//! The end of a program's life: what it waits for, how long, and how it says so.

use std::fmt;
use std::io::{self, Write as _};
use std::time::Duration;

use tokio::time::{Instant, interval_at};
use tokio_util::task::TaskTracker;

/// How often it is said what is left.
const EVERY: Duration = Duration::from_secs(5);

/// The flows in work: of the queue, and of callers who wait.
pub(crate) struct InWork {
    pub(crate) queued: TaskTracker,
    pub(crate) answered: TaskTracker,
}

impl InWork {
    fn flows(&self) -> String {
        match self.queued.len() + self.answered.len() {
            0 => "no flow is in work".to_owned(),
            1 => "1 flow is in work".to_owned(),
            many => format!("{many} flows are in work"),
        }
    }

    /// Says what is waited for, and counts down until `grace` is over.
    pub(crate) async fn count_down(&self, grace: Duration) {
        let end = Instant::now() + grace;
        say(format_args!(
            "Stopping: {}; they have {} s, and are put back then, or at once at another Ctrl-C.",
            self.flows(),
            grace.as_secs()
        ));
        let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
        loop {
            let tick = ticks.tick().await;
            let left = end.saturating_duration_since(tick);
            if left.is_zero() {
                return;
            }
            say(format_args!(
                "  {}, {} s left",
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
