//! Stored outputs, and assets that were uploaded, which are stored as outputs are.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use super::Unavailable;
use crate::{MediaType, OutputKey, Sha256Digest, TenantId};

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

/// Bytes that somebody has and is about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncedUpload {
    /// Where they are to be stored: under their digest, for the tenant that announced them.
    pub key: OutputKey,
    /// Their digest.
    pub sha256: Sha256Digest,
    /// How many they are.
    pub bytes: NonZeroU64,
    /// What they are stored as; one that has an ending of its own, or [`unknown`](MediaType::unknown).
    pub media_type: MediaType,
}

impl AnnouncedUpload {
    /// So many bytes of this digest that `tenant` says it has. What it says they are only names them.
    pub fn new(
        tenant: &TenantId,
        sha256: Sha256Digest,
        bytes: NonZeroU64,
        declared: &MediaType,
    ) -> Self {
        let media_type = MediaType::of_extension(declared.extension());
        Self {
            key: OutputKey::new(tenant, &sha256, &media_type),
            sha256,
            bytes,
            media_type,
        }
    }
}

/// A `PUT` that stores one upload until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPut {
    /// Where to. It is a secret of its receiver.
    pub url: Url,
    /// The headers that it has to have, besides those that every client sends of its own accord (`Host`,
    /// `Content-Length`).
    pub headers: BTreeMap<String, String>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Takes uploads from those who announce them.
#[async_trait]
pub trait UploadLinks: Send + Sync {
    /// How to send what was announced, to be begun within `lifetime`. `None` where it needs not be sent: so many bytes
    /// are stored under its key, and have been stored or asked for here since `since`.
    ///
    /// The request MUST store nothing but so many bytes with this digest, under this key alone. A store that does not
    /// check the digest is no harm to others: whoever reads an upload compares it with its key.
    async fn upload_link(
        &self,
        upload: &AnnouncedUpload,
        since: Timestamp,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>, Unavailable>;
}
