//! What a vendor took on: what is kept of it between two requests, and the requests that follow the first.

mod state;

use std::time::Duration;

use assetmill_core::{Failure, FailureCode, Job, MAX_JOB_BYTES, OperationError, Run};
use http::Method;

use super::call::Call;
use super::pointer::JsonPointer;
use super::profile::{Resend, ResultPlace, Step};
use super::response::Response;
use super::then::{self, Next};
use super::{answer, request, result};
use state::State;

/// The longest rest after a request that got no answer.
const LONGEST_REST: Duration = Duration::from_mins(1);
/// The rest after a first try at a result that can't be fetched.
const REST: Duration = Duration::from_secs(2);

/// Goes on after the answer to the first request.
///
/// # Errors
/// What the vendor's answer means, where it is no product and leads to none.
pub(super) async fn after_first(call: &Call<'_>, answer: Response) -> Result<Run, OperationError> {
    // Where the result is fetched from is kept first: the call was paid, whatever becomes of who fetches.
    if call.profile.then.is_empty() && !leads_to_result(call, &answer) {
        return finish(call, &answer, &State::default()).await;
    }
    taken(
        &State::before(call.profile, 0, &answer),
        Duration::ZERO,
        None,
    )
}

/// Asks about a job. `fresh` is whether what `state` says was about to be sent surely was not.
///
/// # Errors
/// What ended the job.
pub(super) async fn ask(call: &Call<'_>, state: &str, fresh: bool) -> Result<Run, OperationError> {
    let Some(state) = State::read(state) else {
        return Err(OperationError::Abandoned(answer::maybe_charged(
            Failure::transient(
                FailureCode::VendorUnconfirmed,
                "what is kept of the vendor's job can't be read by this version",
            ),
        )));
    };
    let limit = call.profile.timeout;
    let asked = call.in_time(follow(call, state.clone(), fresh)).await;
    asked.unwrap_or_else(|| {
        let trouble = then::too_slow(limit).failure().clone();
        missed(call, state, trouble)
    })
}

/// Takes the requests that are due, up to one whose answer is not there yet.
async fn follow(call: &Call<'_>, mut state: State, mut fresh: bool) -> Result<Run, OperationError> {
    let mut before = state.answer();
    while let Some(step) = call.profile.then.get(state.next) {
        if step.method != Method::GET {
            if !state.sending {
                // It can't be sent twice: that it is sent is kept before.
                state.sending = true;
                return taken(&state, Duration::ZERO, None);
            }
            if !fresh && call.profile.resend != Resend::Always {
                return Err(OperationError::Abandoned(answer::maybe_charged(
                    Failure::transient(
                        FailureCode::VendorUnconfirmed,
                        "the request that goes on with the vendor's job was broken off",
                    ),
                )));
            }
        }
        let request =
            request::build_next(call.client, call.profile, step, call.render(Some(&before)))?;
        let next = match call.send(request).await {
            Ok(answer) => then::judge(call, step, answer),
            Err(error @ OperationError::Permanent(_)) => Next::Failed(error),
            Err(error) => Next::Miss(error),
        };
        match next {
            Next::Arrived(answer) => {
                let was_sent = state.sending;
                state = State::before(call.profile, state.next + 1, &answer);
                if was_sent && (state.next < call.profile.then.len() || is_fetched(call)) {
                    // What can't be sent twice was done: that comes before anything else.
                    return taken(&state, Duration::ZERO, None);
                }
                before = answer;
                fresh = false;
            }
            Next::Failed(error) => return Err(call.after_silence(error)),
            Next::Wait(_) | Next::Miss(_) if step.method != Method::GET => {
                return Err(call.after_silence(then::unconfirmed(
                    "the vendor did not finish what it had begun",
                )));
            }
            Next::Wait(asked) => {
                state.misses = 0;
                let rest = asked.unwrap_or(step.every).max(step.every);
                return taken(&state, rest, None);
            }
            Next::Miss(error) => {
                return missed(call, state, error.failure().clone());
            }
        }
    }
    finish(call, &before, &state).await
}

/// Takes the product out of the last answer. One that can't be fetched now is fetched later: it is paid.
async fn finish(call: &Call<'_>, last: &Response, state: &State) -> Result<Run, OperationError> {
    match result::product(call, last).await {
        Ok(product) => Ok(Run::Done(product)),
        Err(OperationError::Unconfirmed(failure)) if is_fetched(call) => {
            let mut rest = State::before(call.profile, call.profile.then.len(), last);
            rest.misses = state.misses;
            missed(call, rest, failure)
        }
        Err(error) => Err(call.after_silence(error)),
    }
}

fn is_fetched(call: &Call<'_>) -> bool {
    matches!(call.profile.result, ResultPlace::Url(_))
}

/// Whether an answer says where the result is fetched from.
fn leads_to_result(call: &Call<'_>, answer: &Response) -> bool {
    let said = |at: &JsonPointer| answer.document().and_then(|document| at.value_in(document));
    matches!(&call.profile.result, ResultPlace::Url(at) if said(at).is_some())
}

fn missed(call: &Call<'_>, mut state: State, trouble: Failure) -> Result<Run, OperationError> {
    let every = call
        .profile
        .then
        .get(state.next)
        .map_or(REST, |step: &Step| step.every);
    let rest = every.saturating_mul(1 << state.misses.min(10));
    let rest = rest.min(LONGEST_REST.max(every));
    state.misses = state.misses.saturating_add(1);
    taken(&state, rest, Some(trouble))
}

/// A job that can't be asked about now.
pub(super) fn not_now(state: String, trouble: Failure) -> Run {
    Run::Taken(Job {
        state,
        ask_after: LONGEST_REST,
        trouble: Some(trouble),
    })
}

fn taken(
    state: &State,
    ask_after: Duration,
    trouble: Option<Failure>,
) -> Result<Run, OperationError> {
    let state = state.write();
    if state.len() > MAX_JOB_BYTES {
        return Err(OperationError::permanent(
            FailureCode::VendorResponseInvalid,
            format!(
                "what the vendor's answer says of its job is longer than {MAX_JOB_BYTES} bytes; name less of it in \
                 \"then\""
            ),
        ));
    }
    Ok(Run::Taken(Job {
        state,
        ask_after,
        trouble,
    }))
}
