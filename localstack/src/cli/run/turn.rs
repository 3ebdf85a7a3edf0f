//! A run from its beginning to its end, or to a signal to stop.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::paid::{self, PaidCalls};
use super::running::Running;
use crate::cli::in_process::InProcess;
use crate::cli::{CliError, Ended};
use crate::serve::ServeError;
use crate::signals;

/// How long is waited for outputs of what has ended.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// Has the pipeline run to its end, or until a signal to stop; whether there was one.
pub(super) async fn take(
    running: &Arc<Running>,
    here: Option<InProcess>,
    calls: Option<&PaidCalls>,
    pipeline: impl Future<Output = Result<(), CliError>>,
) -> Result<bool, CliError> {
    let stop = signals::stop()?;
    let at_work = match here {
        Some(here) => Some(here.work().await?),
        None => None,
    };
    let mut pipeline = pin!(pipeline);
    let interrupted = tokio::select! {
        done = &mut pipeline => {
            done?;
            false
        }
        () = stop => true,
        failed = paid::show(running, calls) => return Err(failed),
    };
    running.stop.cancel();
    if !interrupted {
        running.ended.cancel();
        if let Some(at_work) = at_work {
            at_work.end().await?;
        }
        return Ok(false);
    }
    let again = signals::stop()?;
    running
        .report
        .say("Stopping: what is in work may end first, or Ctrl-C again.");
    let end = async {
        if let Some(at_work) = at_work {
            // A second signal ends it, too.
            at_work.end().await?;
        }
        running.ended.cancel();
        Ok::<_, ServeError>(())
    };
    // What has ended is written, too, as far as that does not take long: the next run finds the rest.
    let last = async {
        running.ended.cancelled().await;
        sleep(LAST_LOOK).await;
    };
    let written = async {
        tokio::select! {
            // Of no interest any more is why it can't go on.
            _ = pipeline => {}
            () = again => {}
            () = last => {}
        }
    };
    let (ended, ()) = tokio::join!(end, written);
    ended?;
    Ok(true)
}

pub(super) fn conclude(
    running: &Running,
    out: &Path,
    interrupted: bool,
    paid: Option<u64>,
) -> Result<Ended, CliError> {
    let summary = running.report.end();
    running.report.print_summary(&summary, interrupted, paid)?;
    running.report.say(&summary.line(out, paid));
    if summary.counts.unconfirmed > 0 {
        running.report.say(&format!(
            "{} may have been paid for without an output; --retry-unconfirmed runs them again, and may pay twice.",
            summary.counts.unconfirmed
        ));
    }
    if interrupted {
        running.report.say("Interrupted; the same command goes on.");
        return Ok(Ended::Interrupted);
    }
    Ok(if summary.counts.failed.is_empty() {
        Ended::Well
    } else {
        Ended::SomeFailed
    })
}
