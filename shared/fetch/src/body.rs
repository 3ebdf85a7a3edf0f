//! Bodies within bounds.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

use super::{AnswerRoom, TransportFailure};

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
    let mut reading = Reading::of(response, limit)?;
    while let Some(chunk) = reading.next().await? {
        reading.add(&chunk);
    }
    Ok(reading.whole())
}

/// As [`read_body`], where the answer waits until there is room for it: for as much as a `Content-Length` says before
/// the first byte is read, and for what comes beyond that before it is added.
///
/// # Errors
/// As [`read_body`]; want of room is none.
pub async fn read_answer(
    response: Response,
    limit: u64,
    room: &mut AnswerRoom,
) -> Result<Bytes, BodyFailure> {
    let mut reading = Reading::of(response, limit)?;
    room.grow(reading.declared, reading.declared).await;
    while let Some(chunk) = reading.next().await? {
        let length = reading.length_with(&chunk);
        // As much as it says, or twice what it is so far.
        let hoped = if length <= reading.declared {
            reading.declared
        } else {
            length.saturating_mul(2)
        };
        room.grow(length, hoped).await;
        reading.add(&chunk);
    }
    Ok(reading.whole())
}

/// A body as it comes.
pub(crate) struct Reading {
    response: Response,
    limit: u64,
    declared: u64,
    body: BytesMut,
}

impl Reading {
    /// One of at most `limit` bytes.
    pub(crate) fn of(response: Response, limit: u64) -> Result<Self, BodyFailure> {
        let declared = response.content_length().unwrap_or_default();
        if declared > limit {
            return Err(BodyFailure::TooLarge { limit });
        }
        Ok(Self {
            response,
            limit,
            declared,
            body: BytesMut::new(),
        })
    }

    /// What comes next of it, and is not too much.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, BodyFailure> {
        let chunk = self.response.chunk().await;
        let chunk = chunk.map_err(|error| TransportFailure::from(&error))?;
        match chunk {
            Some(chunk) if self.length_with(&chunk) > self.limit => {
                Err(BodyFailure::TooLarge { limit: self.limit })
            }
            chunk => Ok(chunk),
        }
    }

    /// How many bytes there are, with these.
    pub(crate) fn length_with(&self, chunk: &Bytes) -> u64 {
        (self.body.len() + chunk.len()) as u64
    }

    pub(crate) fn add(&mut self, chunk: &Bytes) {
        if self.body.is_empty() {
            let expected = usize::try_from(self.declared).unwrap_or(usize::MAX);
            self.body.reserve(expected.min(MAX_RESERVED));
        }
        self.body.extend_from_slice(chunk);
    }

    pub(crate) fn whole(self) -> Bytes {
        self.body.freeze()
    }
}
