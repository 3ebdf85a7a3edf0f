//! Reading a body within bounds.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt as _;

use super::MAX_BODY_BYTES;
use crate::{ErrorCode, Problem};

/// How long a body may take to come.
const READ_TIME: Duration = Duration::from_secs(20);
/// How much of a body that is too large is read and dropped, and for how long, so that a client
/// that writes before it reads gets to see the answer instead of a broken connection.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Reads a body up to [`MAX_BODY_BYTES`].
pub(super) async fn read(headers: &HeaderMap, mut body: Body) -> Result<Bytes, Problem> {
    if declared_length(headers).is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        // A client that asks first must not be told to go on.
        if !headers.contains_key(EXPECT) {
            drain(body).await;
        }
        return Err(too_large());
    }
    let read = tokio::time::timeout(READ_TIME, collect(&mut body)).await;
    match read {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            drain(body).await;
            Err(too_large())
        }
        Ok(Err(_)) => Err(Problem::new(
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

/// The whole body; `None` if it is larger than [`MAX_BODY_BYTES`].
async fn collect(body: &mut Body) -> Result<Option<Bytes>, axum::Error> {
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if collected.len() + data.len() > MAX_BODY_BYTES {
                return Ok(None);
            }
            collected.extend_from_slice(&data);
        }
    }
    Ok(Some(collected.freeze()))
}

async fn drain(mut body: Body) {
    let reading = async {
        let mut dropped = 0;
        while let Some(Ok(frame)) = body.frame().await {
            dropped += frame.data_ref().map_or(0, Bytes::len);
            if dropped > DRAIN_BYTES {
                return;
            }
        }
    };
    // Whatever was not read by then is the client's loss.
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
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
