//! Bodies within bounds.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

use super::TransportFailure;

/// The most bytes that are set aside because a `Content-Length` says so; more come as they are sent.
const MAX_RESERVED: usize = 8 * 1024 * 1024;

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyFailure {
    /// It is larger than it may be.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that it may have.
        limit: u64,
    },
    /// It could not be read to its end.
    #[error(transparent)]
    Transport(#[from] TransportFailure),
}

/// Reads the whole body of a response, of at most `limit` bytes. A `Content-Length` above the limit
/// is believed at once; one below it is not, and the bytes are counted as they come.
///
/// # Errors
/// [`BodyFailure`] when it is too large, or breaks off.
pub async fn read_body(response: Response, limit: u64) -> Result<Bytes, BodyFailure> {
    match read_body_within(response, limit, |_| true).await? {
        Body::Whole(body) => Ok(body),
        Body::NoRoom => Err(BodyFailure::TooLarge { limit }),
    }
}

/// What was read of a body.
pub(crate) enum Body {
    Whole(Bytes),
    /// There was room for a part of it.
    NoRoom,
}

/// As [`read_body`], asking for room before each byte more.
pub(crate) async fn read_body_within(
    mut response: Response,
    limit: u64,
    mut room_for: impl FnMut(u64) -> bool,
) -> Result<Body, BodyFailure> {
    let declared = response.content_length().unwrap_or_default();
    if declared > limit {
        return Err(BodyFailure::TooLarge { limit });
    }
    let expected = usize::try_from(declared).unwrap_or(usize::MAX);
    let mut body = BytesMut::with_capacity(expected.min(MAX_RESERVED));
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|error| TransportFailure::from(&error))?;
        let Some(chunk) = chunk else {
            return Ok(Body::Whole(body.freeze()));
        };
        let length = (body.len() + chunk.len()) as u64;
        if length > limit {
            return Err(BodyFailure::TooLarge { limit });
        }
        if !room_for(length) {
            return Ok(Body::NoRoom);
        }
        body.extend_from_slice(&chunk);
    }
}
