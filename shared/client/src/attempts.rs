//! How often a call is made.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::ClientError;

/// Half a minute to a minute in all: for what is started again.
const ATTEMPTS: usize = 8;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// A server that asks to be left alone for longer is told of, and not waited for.
const LONGEST_ASKED: Duration = Duration::from_mins(5);

/// Makes a call that may be made twice until it has a result, or an error that time does not change, or after which `again` says
/// no.
pub(crate) async fn until_answered<T, Called>(
    call: impl Fn() -> Called,
    again: impl Fn(&ClientError) -> bool,
) -> Result<T, ClientError>
where
    Called: Future<Output = Result<T, ClientError>>,
{
    let waits = ExponentialBuilder::default()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_max_times(ATTEMPTS - 1)
        .with_jitter();
    call.retry(waits)
        .when(|error| {
            error.passes()
                && again(error)
                && error
                    .retry_after()
                    .is_none_or(|asked| asked <= LONGEST_ASKED)
        })
        .notify(|error, wait| {
            let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(%error, milliseconds, "asking again in a while");
        })
        .adjust(|error, wait| Some(wait?.max(error.retry_after().unwrap_or_default())))
        .await
}
