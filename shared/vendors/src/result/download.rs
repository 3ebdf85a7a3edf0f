//! Fetching a result from where the vendor put it.

use std::time::Duration;

use assetmill_core::{Failure, FailureCode, MediaType, Setback};
use assetmill_fetch::{BodyFailure, GuardedClient, TransportFailure, read_body};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use url::Url;

use super::{declared, invalid};
use crate::secrets::Secrets;
use crate::wire;

/// Tries at one result. The call that made it was charged, so that giving up is dear.
const TRIES: u32 = 3;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(200);
const MAX_REDIRECTS: u32 = 5;

/// How one try ended without the result.
enum Miss {
    /// Another try may help.
    Passing(String),
    /// Another try would not.
    Lasting(Setback),
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
) -> Result<(Bytes, Option<MediaType>), Setback> {
    let url = Url::parse(url).map_err(|_| invalid("the URL of the vendor's result is no URL"))?;
    let mut tries = 1;
    loop {
        match follow(client, secrets, url.clone(), limit).await {
            Ok(found) => return Ok(found),
            Err(Miss::Lasting(setback)) => return Err(setback),
            Err(Miss::Passing(_)) if tries < TRIES => {
                tokio::time::sleep(TRY_AGAIN_AFTER * tries).await;
                tries += 1;
            }
            Err(Miss::Passing(reason)) => {
                return Err(Setback::Unconfirmed(Failure::passing(
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
) -> Result<(Bytes, Option<MediaType>), Miss> {
    for _ in 0..=MAX_REDIRECTS {
        match hop(client, secrets, &url, limit).await? {
            Hop::Arrived(content, declared) => return Ok((content, declared)),
            Hop::Redirected(next) => url = next,
        }
    }
    Err(lasting(format!(
        "the vendor's result redirects more than {MAX_REDIRECTS} times"
    )))
}

async fn hop(
    client: &GuardedClient,
    secrets: &Secrets,
    url: &Url,
    limit: u64,
) -> Result<Hop, Miss> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(lasting(
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
            .ok_or_else(|| lasting("the vendor's result redirects to nowhere"));
    }
    if !status.is_success() {
        return Err(not_there(status));
    }
    let declared = declared(response.headers());
    match read_body(response, limit).await {
        Ok(content) => {
            wire::fetched(url, content.len(), |text, chars| secrets.mask(text, chars));
            Ok(Hop::Arrived(content, declared))
        }
        Err(BodyFailure::TooLarge { limit }) => Err(lasting(format!(
            "the vendor's result is larger than {limit} bytes"
        ))),
        Err(BodyFailure::Transport(failure)) => Err(miss(failure)),
    }
}

fn not_there(status: StatusCode) -> Miss {
    let message = format!("the URL of the vendor's result answers {}", status.as_u16());
    match status.as_u16() {
        408 | 425 | 429 | 500..=599 => Miss::Passing(message),
        _ => lasting(message),
    }
}

fn miss(failure: TransportFailure) -> Miss {
    match failure {
        TransportFailure::Refused(_) => refused_by_guard(),
        failure => Miss::Passing(failure.to_string()),
    }
}

fn refused_by_guard() -> Miss {
    Miss::Lasting(Setback::lasting(
        FailureCode::OperationUnavailable,
        "the URL of the vendor's result leads to an address that is not public; the operator can \
         let it through with ASSETMILL_VENDOR_ALLOW",
    ))
}

fn lasting(message: impl Into<String>) -> Miss {
    Miss::Lasting(invalid(message))
}
