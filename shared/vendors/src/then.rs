//! The requests that follow an answer.

use std::time::Duration;

use assetmill_core::{Failure, FailureCode, Setback};
use http::Method;

use super::answer;
use super::call::Call;
use super::profile::Step;
use super::request;
use super::response::Answer;

/// How many requests in a row may fail to be answered well before the wait is given up. The first
/// request was taken, and may have been charged.
const MAX_MISSES: u32 = 5;

/// Takes one step from an answer to the next. It is asked again while it is not yet `until`, and when
/// it can't be answered now; the caller bounds the time of all.
///
/// # Errors
/// What the vendor says when it has failed; an unconfirmed setback when nothing can be learnt.
pub(super) async fn follow(
    call: &Call<'_>,
    step: &Step,
    before: Answer,
) -> Result<Answer, Setback> {
    let mut misses = 0;
    loop {
        let filling = call.filling(Some(&before));
        let request = request::build_next(call.client, call.profile, step, filling)?;
        let wait = match call.send(request).await {
            Ok(answer) => match judge(call, step, answer) {
                Next::Arrived(answer) => return Ok(answer),
                Next::Failed(setback) => return Err(setback),
                Next::Wait(asked) => {
                    misses = 0;
                    asked.unwrap_or(step.every).max(step.every)
                }
                Next::Miss(setback) => {
                    misses += 1;
                    give_up_after(misses, &setback)?;
                    step.every
                }
            },
            Err(setback @ Setback::Final(_)) => return Err(setback),
            Err(setback) => {
                misses += 1;
                give_up_after(misses, &setback)?;
                step.every
            }
        };
        if step.method != Method::GET {
            return Err(unconfirmed("the vendor did not finish what it had begun"));
        }
        tokio::time::sleep(wait).await;
    }
}

enum Next {
    Arrived(Answer),
    Failed(Setback),
    /// It is not there yet.
    Wait(Option<Duration>),
    /// It can't be learnt now.
    Miss(Setback),
}

fn judge(call: &Call<'_>, step: &Step, answer: Answer) -> Next {
    if step.fail.as_ref().is_some_and(|fail| fail.holds(&answer)) {
        return Next::Failed(answer.setback(call.profile, call.secrets));
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
    match answer.setback(call.profile, call.secrets) {
        Setback::Throttled { retry_after, .. } => Next::Wait(retry_after),
        setback @ Setback::Final(_) => Next::Failed(setback),
        setback => Next::Miss(setback),
    }
}

fn give_up_after(misses: u32, setback: &Setback) -> Result<(), Setback> {
    if misses < MAX_MISSES {
        return Ok(());
    }
    Err(unconfirmed(format!(
        "the vendor took the request, and can't be asked for its result: {}",
        setback.failure().message
    )))
}

fn unconfirmed(message: impl Into<String>) -> Setback {
    Setback::Unconfirmed(Failure::passing(FailureCode::VendorUnavailable, message))
}

/// What a call that took too long means.
pub(super) fn too_slow(limit: Duration) -> Setback {
    answer::timed_out(format!(
        "the vendor did not answer within {} s",
        limit.as_secs()
    ))
}
