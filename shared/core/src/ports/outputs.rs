//! Stored outputs, and assets that were uploaded, which are stored as outputs are.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use super::Unavailable;
use crate::{MediaType, OutputKey};

/// Stores outputs and reads them back.
#[async_trait]
pub trait OutputWrites: Send + Sync {
    /// Stores an output. MUST be durable and whole when it answers `Ok`: a reader never sees a
    /// part of it. Storing the same key again MUST succeed.
    async fn put(
        &self,
        key: &OutputKey,
        content: Bytes,
        media_type: &MediaType,
    ) -> Result<(), Unavailable>;

    /// How many bytes an output has; `None` if it is not stored. MUST see every `put` that was answered before.
    async fn size(&self, key: &OutputKey) -> Result<Option<u64>, Unavailable>;

    /// The content of an output; `None` if it is not stored.
    async fn get(&self, key: &OutputKey) -> Result<Option<Bytes>, Unavailable>;
}

/// A URL that hands out one output until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUrl {
    /// The URL. It is a secret of its receiver.
    pub url: Url,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// How long a URL that is made again is the same.
const SAME_FOR: Duration = Duration::from_mins(5);

/// The times of a URL that is made now: from when it counts, and for how long after that it is to work. They are
/// those of all URLs of the same few minutes, so that whoever asks again within them is told the same.
pub fn link_times(now: Timestamp, lifetime: Duration) -> (Timestamp, Duration) {
    let step = i64::try_from(SAME_FOR.as_secs()).unwrap_or(1);
    let second = now.as_second();
    let start = Timestamp::from_second(second - second.rem_euclid(step));
    (start.unwrap_or(now), lifetime + SAME_FOR)
}

/// Makes URLs of outputs. They are made when a result is read, and never stored.
#[async_trait]
pub trait OutputLinks: Send + Sync {
    /// A URL that anybody can fetch the output from for `lifetime` and up to five minutes more ([`link_times`]), and
    /// that can't be altered to fetch another or to live longer. SHOULD be the same URL within these minutes: clients
    /// keep what they fetched from it.
    async fn link(&self, key: &OutputKey, lifetime: Duration) -> Result<SignedUrl, Unavailable>;
}
