//! Reading a body within bounds.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;

use crate::in_flight::busy;
use crate::{ErrorCode, Problem, TenantInFlight};

/// How much a body may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Of bytes.
    pub(super) most: usize,
    /// To come.
    pub(super) time: Duration,
    /// What to do about one that is larger.
    pub(super) advice: &'static str,
}

/// Memory is taken in steps of this: a byte for each byte would be dear where they come one by one.
const STEP: u64 = 16 * 1024;

/// Why a body was not read to its end.
enum Broken {
    TooLarge,
    NoMemory(Problem),
    Connection,
}

/// Reads a body within bounds. It holds memory as it comes, and none for what is only
/// declared; the memory is given back with the bytes.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    memory: &TenantInFlight,
    bounds: Bounds,
) -> Result<Bytes, Problem> {
    if declared_length(headers).is_some_and(|length| length > bounds.most as u64) {
        return Err(too_large(bounds));
    }
    match tokio::time::timeout(bounds.time, collect(body, memory, bounds.most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(Broken::TooLarge)) => Err(too_large(bounds)),
        Ok(Err(Broken::NoMemory(problem))) => Err(problem),
        Ok(Err(Broken::Connection)) => Err(Problem::new(
            ErrorCode::BodyIncomplete,
            "the body broke off; send it whole",
        )),
        Err(_) => Err(Problem::new(
            ErrorCode::BodyTimeout,
            format!(
                "the body took longer than {} s; send it faster, or less of it",
                bounds.time.as_secs()
            ),
        )),
    }
}

async fn collect(mut body: Body, memory: &TenantInFlight, most: usize) -> Result<Bytes, Broken> {
    let mut collected = BytesMut::new();
    let mut held = memory.try_hold(0).map_err(Broken::NoMemory)?;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Broken::Connection)?.into_data() else {
            continue;
        };
        let length = collected.len() + data.len();
        if length > most {
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

fn too_large(Bounds { most, advice, .. }: Bounds) -> Problem {
    Problem::new(
        ErrorCode::BodyTooLarge,
        format!("the body is larger than {most} bytes; {advice}"),
    )
}
