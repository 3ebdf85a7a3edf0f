//! Reading a body within bounds.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;

use super::MAX_BODY_BYTES;
use crate::in_flight::busy;
use crate::{ErrorCode, Problem, TenantInFlight};

/// How long a body may take to come.
const READ_TIME: Duration = Duration::from_secs(20);

/// Memory is taken in steps of this: a byte for each byte would be dear where they come one by one.
const STEP: u64 = 16 * 1024;

/// Why a body was not read to its end.
enum Broken {
    TooLarge,
    NoMemory(Problem),
    Connection,
}

/// Reads a body up to [`MAX_BODY_BYTES`]. It holds memory as it comes, and none for what is only
/// declared; the memory is given back with the bytes.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    memory: &TenantInFlight,
) -> Result<Bytes, Problem> {
    if declared_length(headers).is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(READ_TIME, collect(body, memory)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(Broken::TooLarge)) => Err(too_large()),
        Ok(Err(Broken::NoMemory(problem))) => Err(problem),
        Ok(Err(Broken::Connection)) => Err(Problem::new(
            ErrorCode::BodyIncomplete,
            "the body broke off; send it whole",
        )),
        Err(_) => Err(Problem::new(
            ErrorCode::BodyTimeout,
            format!(
                "the body took longer than {} s; send it faster, or less of it",
                READ_TIME.as_secs()
            ),
        )),
    }
}

async fn collect(mut body: Body, memory: &TenantInFlight) -> Result<Bytes, Broken> {
    let mut collected = BytesMut::new();
    let mut held = memory.try_hold(0).map_err(Broken::NoMemory)?;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Broken::Connection)?.into_data() else {
            continue;
        };
        let length = collected.len() + data.len();
        if length > MAX_BODY_BYTES {
            return Err(Broken::TooLarge);
        }
        let more = (length as u64)
            .saturating_sub(held.amount())
            .next_multiple_of(STEP);
        if !held.try_grow(more) {
            return Err(Broken::NoMemory(busy()));
        }
        collected.extend_from_slice(&data);
    }
    Ok(held.hold(collected.freeze()))
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> Problem {
    Problem::new(
        ErrorCode::BodyTooLarge,
        format!("the body is larger than {MAX_BODY_BYTES} bytes; split it over several requests"),
    )
}
