//! Fetching a result from where the vendor put it.

use std::time::Duration;

use assetmill_core::{Failure, FailureCode, MediaType, OperationError};
use assetmill_fetch::{BodyFailure, GuardedClient, TransportFailure, read_body};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use url::Url;

use super::{declared, invalid};
use crate::secrets::Secrets;
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

/// Fetches a result of at most `limit` bytes, and what its server declares it to be. None of the
/// request's headers go along: the result may be on somebody else's server.
pub(super) async fn fetch(
    client: &GuardedClient,
    secrets: &Secrets,
    url: &str,
    limit: u64,
) -> Result<(Bytes, Option<MediaType>), OperationError> {
    let url = Url::parse(url).map_err(|_| invalid("the URL of the vendor's result is no URL"))?;
    let mut tries = 1;
    loop {
        match follow(client, secrets, url.clone(), limit).await {
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

async fn follow(
    client: &GuardedClient,
    secrets: &Secrets,
    mut url: Url,
    limit: u64,
) -> Result<(Bytes, Option<MediaType>), FetchError> {
    for _ in 0..=MAX_REDIRECTS {
        match hop(client, secrets, &url, limit).await? {
            Hop::Arrived(content, declared) => return Ok((content, declared)),
            Hop::Redirected(next) => url = next,
        }
    }
    Err(permanent(format!(
        "the vendor's result redirects more than {MAX_REDIRECTS} times"
    )))
}

async fn hop(
    client: &GuardedClient,
    secrets: &Secrets,
    url: &Url,
    limit: u64,
) -> Result<Hop, FetchError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(permanent(
            "the URL of the vendor's result is not http or https",
        ));
    }
    let request = client
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
    match read_body(response, limit).await {
        Ok(content) => {
            transcript::fetched(url, content.len(), |text, chars| secrets.mask(text, chars));
            Ok(Hop::Arrived(content, declared))
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
