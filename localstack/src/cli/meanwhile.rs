//! What a command waits for, and what goes on meanwhile.

use std::io::{self, Write as _};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::CliError;
use super::in_process::InProcess;
use crate::signals;

/// The shortest wait between two looks, and the longest.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);
/// How much of the time is spent on looking, at the most: one part in so many.
const LOOKING: u32 = 5;

/// Does `follow`, while the Assetmill in this process works, where it is there and has a folder: on AWS there are others who
/// work, and who may have secrets and a catalogue that this machine has not. `None` if it was interrupted.
///
/// # Errors
/// [`CliError`] of what is followed, or where there is no good end.
pub(super) async fn working<T>(
    here: Option<InProcess>,
    follow: impl Future<Output = Result<T, CliError>>,
) -> Result<Option<T>, CliError> {
    // Listened for before anything is begun that has to end well.
    let stop = signals::stop()?;
    let work = match here.filter(InProcess::is_of_a_folder) {
        Some(here) => Some(here.work().await?),
        None => None,
    };
    let followed = tokio::select! {
        biased;
        () = stop => None,
        followed = follow => Some(followed),
    };
    if let Some(work) = work {
        if followed.is_none() {
            let said = "Finishing what is in flight; another Ctrl-C puts it back at once.";
            writeln!(io::stderr(), "{said}")?;
        }
        work.end().await?;
    }
    followed.transpose()
}

/// How often is looked: soon after there was news, and seldom where there is none for long.
pub(super) struct Pace {
    wait: Duration,
    looked: Instant,
}

impl Pace {
    /// The first look is now.
    pub(super) fn begin() -> Self {
        Self {
            wait: SHORTEST,
            looked: Instant::now(),
        }
    }

    /// Returns when it is time for the next look. `news` is whether the last showed any.
    pub(super) async fn next(&mut self, news: bool) {
        let took = self.looked.elapsed();
        self.wait = if news { SHORTEST } else { 2 * self.wait };
        self.wait = self.wait.max((LOOKING - 1) * took).min(LONGEST);
        sleep(self.wait).await;
        self.looked = Instant::now();
    }
}
