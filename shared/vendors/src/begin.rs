//! The first request of a call, and asking what became of one.

use assetmill_core::{Asset, LookUp, MediaType, OperationError, Run};
use reqwest::RequestBuilder;

use super::call::Call;
use super::profile::LookUpRequest;
use super::response::Response;
use super::{answer, job, request, then};

/// Makes the first request, within the time that the profile gives it.
///
/// # Errors
/// What is known of a call that came to nothing.
pub(super) async fn begin(
    call: &Call<'_>,
    asset: &Asset,
    media_type: &MediaType,
) -> Result<Run, OperationError> {
    let render = call.render(None);
    let first = request::build(call.client, call.profile, render, asset, media_type)?;
    let limit = call.profile.timeout;
    let answer = match call.in_time(exchange(call, first)).await {
        Some(answer) => answer?,
        None => return Err(call.after_silence(then::too_slow(limit))),
    };
    job::after_first(call, answer).await
}

async fn exchange(call: &Call<'_>, first: RequestBuilder) -> Result<Response, OperationError> {
    let answer = call
        .send(first)
        .await
        .map_err(|error| call.after_silence(error))?;
    call.report(&answer);
    if is_taken(call, &answer) {
        return Ok(answer);
    }
    let error = answer.error(call.profile, call.secrets);
    Err(call.after_answer(error))
}

/// Whether this is an answer to a first request that was taken.
fn is_taken(call: &Call<'_>, answer: &Response) -> bool {
    answer.status.is_success() && call.profile.ok_if.iter().all(|it| it.holds(answer))
}

/// Asks what became of a first request whose answer nobody got.
///
/// # Errors
/// What the vendor says of a call that came to nothing.
pub(super) async fn look_up(call: &Call<'_>, by: &LookUpRequest) -> Result<LookUp, OperationError> {
    let step = &by.request;
    let asked = request::build_next(call.client, call.profile, step, call.render(None))?;
    let limit = call.profile.timeout;
    let answer = match call.in_time(call.send(asked)).await {
        Some(Ok(answer)) => answer,
        Some(Err(error)) => return Ok(LookUp::Unknown(error.failure().clone())),
        None => return Ok(LookUp::Unknown(then::too_slow(limit).failure().clone())),
    };
    if by.absent.holds(&answer) {
        return Ok(LookUp::Absent);
    }
    let found = match &step.until {
        Some(until) => until.holds(&answer),
        None => answer.status.is_success(),
    };
    if found {
        return Ok(LookUp::Found(job::after_first(call, answer).await?));
    }
    let said = answer.error(call.profile, call.secrets);
    if step.fail.as_ref().is_some_and(|fail| fail.holds(&answer)) {
        return Err(call.after_answer(said));
    }
    Ok(LookUp::Unknown(answer::not_looked_up(said.failure())))
}
