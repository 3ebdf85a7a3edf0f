//! Fetching a result from where the vendor put it.

use std::time::Duration;

use assetmill_core::{Failure, FailureCode, MediaType, OperationError};
use assetmill_fetch::{BodyFailure, TransportFailure, read_answer};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use url::Url;

use super::{declared, invalid};
use crate::call::Call;
use crate::transcript;

/// Tries at one result. The call that made it was charged, so that giving up is dear.
const TRIES: u32 = 3;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(200);
const MAX_REDIRECTS: u32 = 5;

/// How one try ended without the result.
enum FetchError {
    /// Another try may help.
    Transient(String),
    /// Another try would not.
    Permanent(OperationError),
}

enum Hop {
    Arrived(Bytes, Option<MediaType>),
    Redirected(Url),
}

/// Fetches a result of at most as many bytes as the profile says, and what its server declares it to be. None of the
/// request's headers go along: the result may be on somebody else's server.
pub(super) async fn fetch(
    call: &Call<'_>,
    url: &str,
) -> Result<(Bytes, Option<MediaType>), OperationError> {
    let url = Url::parse(url).map_err(|_| invalid("the URL of the vendor's result is no URL"))?;
    let mut tries = 1;
    loop {
        match follow(call, url.clone()).await {
            Ok(found) => return Ok(found),
            Err(FetchError::Permanent(error)) => return Err(error),
            Err(FetchError::Transient(_)) if tries < TRIES => {
                tokio::time::sleep(TRY_AGAIN_AFTER * tries).await;
                tries += 1;
            }
            Err(FetchError::Transient(reason)) => {
                return Err(OperationError::Unconfirmed(Failure::transient(
                    FailureCode::VendorUnavailable,
                    format!("the vendor's result can't be fetched: {reason}"),
                )));
            }
        }
    }
}

async fn follow(call: &Call<'_>, mut url: Url) -> Result<(Bytes, Option<MediaType>), FetchError> {
    for _ in 0..=MAX_REDIRECTS {
        match hop(call, &url).await? {
            Hop::Arrived(content, declared) => return Ok((content, declared)),
            Hop::Redirected(next) => url = next,
        }
    }
    Err(permanent(format!(
        "the vendor's result redirects more than {MAX_REDIRECTS} times"
    )))
}

async fn hop(call: &Call<'_>, url: &Url) -> Result<Hop, FetchError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(permanent(
            "the URL of the vendor's result is not http or https",
        ));
    }
    let request = call
        .client
        .request(Method::GET, url)
        .map_err(|_| refused_by_guard())?;
    let response = request
        .send()
        .await
        .map_err(|error| miss((&error).into()))?;
    let status = response.status();
    if status.is_redirection() {
        let location = response.headers().get(header::LOCATION);
        return location
            .and_then(|location| location.to_str().ok())
            .and_then(|location| url.join(location).ok())
            .map(Hop::Redirected)
            .ok_or_else(|| permanent("the vendor's result redirects to nowhere"));
    }
    if !status.is_success() {
        return Err(not_there(status));
    }
    let declared = declared(response.headers());
    let mut room = call.room();
    match read_answer(response, call.profile.max_response_bytes, &mut room).await {
        Ok(content) => {
            transcript::fetched(url, content.len(), |text, chars| {
                call.secrets.mask(text, chars)
            });
            Ok(Hop::Arrived(room.hold(content), declared))
        }
        Err(BodyFailure::TooLarge { limit }) => Err(permanent(format!(
            "the vendor's result is larger than {limit} bytes"
        ))),
        Err(BodyFailure::Transport(failure)) => Err(miss(failure)),
    }
}

fn not_there(status: StatusCode) -> FetchError {
    let message = format!("the URL of the vendor's result answers {}", status.as_u16());
    match status.as_u16() {
        408 | 425 | 429 | 500..=599 => FetchError::Transient(message),
        _ => permanent(message),
    }
}

fn miss(failure: TransportFailure) -> FetchError {
    match failure {
        TransportFailure::Refused(_) => refused_by_guard(),
        failure => FetchError::Transient(failure.to_string()),
    }
}

fn refused_by_guard() -> FetchError {
    FetchError::Permanent(OperationError::permanent(
        FailureCode::OperationUnavailable,
        "the URL of the vendor's result leads to an address that is not public; the operator can \
         let it through with ASSETMILL_VENDOR_ALLOW",
    ))
}

fn permanent(message: impl Into<String>) -> FetchError {
    FetchError::Permanent(invalid(message))
}
