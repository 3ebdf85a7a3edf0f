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
pub async fn read_body(mut response: Response, limit: u64) -> Result<Bytes, BodyFailure> {
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
            return Ok(body.freeze());
        };
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(BodyFailure::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
}
