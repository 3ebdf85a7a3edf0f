//! How often a call is made.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::ClientError;

/// Waits of about a second in all for what is back at once, and of a minute for what is started again.
const ATTEMPTS: usize = 8;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// A server that asks to be left alone for longer is told of, and not waited for.
const LONGEST_ASKED: Duration = Duration::from_mins(5);

/// Makes a call that may be made twice until it has a result, or one that time does not change.
pub(crate) async fn until_answered<T, Called>(call: impl Fn() -> Called) -> Result<T, ClientError>
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
                && error
                    .retry_after()
                    .is_none_or(|asked| asked <= LONGEST_ASKED)
        })
        .adjust(|error, wait| Some(wait?.max(error.retry_after().unwrap_or_default())))
        .await
}
