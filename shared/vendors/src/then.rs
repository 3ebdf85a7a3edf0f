//! What the answer to a request that follows another means.

use std::time::Duration;

use assetmill_core::{Failure, FailureCode, OperationError};

use super::answer;
use super::call::Call;
use super::profile::Step;
use super::response::Response;

/// What comes after the answer to a request that follows another.
pub(super) enum Next {
    /// It is what the request was for.
    Arrived(Response),
    /// The vendor has failed.
    Failed(OperationError),
    /// It is not there yet; how long the vendor asks to be left alone.
    Wait(Option<Duration>),
    /// It can't be learnt now.
    Miss(OperationError),
}

/// What an answer means.
pub(super) fn judge(call: &Call<'_>, step: &Step, answer: Response) -> Next {
    if step.fail.as_ref().is_some_and(|fail| fail.holds(&answer)) {
        return Next::Failed(answer.error(call.profile, call.secrets));
    }
    let arrived = match &step.until {
        Some(until) => until.holds(&answer),
        None => answer.status.is_success(),
    };
    if arrived {
        return Next::Arrived(answer);
    }
    if answer.status.is_success() {
        return Next::Wait(answer.retry_after(call.profile));
    }
    match answer.error(call.profile, call.secrets) {
        OperationError::Throttled { retry_after, .. } => Next::Wait(retry_after),
        error @ OperationError::Permanent(_) => Next::Failed(error),
        error => Next::Miss(error),
    }
}

/// What a request means that was taken and not done.
pub(super) fn unconfirmed(message: impl Into<String>) -> OperationError {
    OperationError::Unconfirmed(Failure::transient(FailureCode::VendorUnavailable, message))
}

/// What a request that took too long means.
pub(super) fn too_slow(limit: Duration) -> OperationError {
    answer::timed_out(format!(
        "the vendor did not answer within {} s",
        limit.as_secs()
    ))
}
