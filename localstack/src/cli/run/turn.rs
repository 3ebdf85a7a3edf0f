//! A run from its beginning to its end, or to a signal to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::paid::{self, PaidCalls};
use super::running::Running;
use crate::cli::in_process::InProcess;
use crate::cli::{CliError, Ended};
use crate::serve::ServeError;
use crate::signals;

/// How long what is in work may take after a signal to stop.
const GRACEFUL: Duration = Duration::from_mins(1);

/// Has the pipeline run to its end, or until a signal to stop; whether there was one.
pub(super) async fn take(
    running: &Arc<Running>,
    here: Option<InProcess>,
    calls: Option<&PaidCalls>,
    pipeline: impl Future<Output = Result<(), CliError>>,
) -> Result<bool, CliError> {
    let at_work = match here {
        Some(here) => Some(here.work().await?),
        None => None,
    };
    let mut pipeline = std::pin::pin!(pipeline);
    let interrupted = tokio::select! {
        done = &mut pipeline => {
            done?;
            false
        }
        signal = signals::stop() => {
            signal?;
            true
        }
        failed = paid::show(running, calls) => return Err(failed),
    };
    running.stop.cancel();
    if !interrupted {
        running.ended.cancel();
        if let Some(at_work) = at_work {
            at_work.end(tokio::time::sleep(GRACEFUL)).await?;
        }
        return Ok(false);
    }
    let end = async {
        if let Some(at_work) = at_work {
            running
                .report
                .say("Stopping: what is in work may end within a minute, or Ctrl-C again.");
            at_work.end(tokio::time::sleep(GRACEFUL)).await?;
        }
        running.ended.cancel();
        Ok::<_, ServeError>(())
    };
    // What was in work is written, too.
    let (ended, done) = tokio::join!(end, pipeline);
    ended?;
    done?;
    Ok(true)
}

pub(super) fn conclude(
    running: &Running,
    out: &Path,
    interrupted: bool,
    paid: Option<u64>,
) -> Ended {
    let summary = running.report.end();
    running.report.print_summary(&summary, interrupted, paid);
    running.report.say(&summary.line(out, paid));
    if summary.unconfirmed > 0 {
        running.report.say(&format!(
            "{} may have been paid for without an output; --retry-unconfirmed runs them again, and may pay twice.",
            summary.unconfirmed
        ));
    }
    if interrupted {
        running.report.say("Interrupted; the same command goes on.");
        return Ended::Interrupted;
    }
    if summary.failed.is_empty() {
        Ended::Well
    } else {
        Ended::SomeFailed
    }
}
