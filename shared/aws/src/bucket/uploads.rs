//! Uploads that are sent to S3 itself.

use std::time::Duration;

use assetmill_core::OutputKey;
use assetmill_core::ports::{AnnouncedUpload, SignedPut, Unavailable, UploadLinks};
use async_trait::async_trait;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::{Bucket, presigning, unavailable};

/// Headers that every client sends by itself, and that no page may set.
const SENT_ANYWAY: &[&str] = &["content-length", "host"];

/// A `PUT` is presigned with the length, the digest and the type of what it may store. Each of them is a header that the
/// signature covers, so other ones are refused with 403 (`SignatureDoesNotMatch`), and bytes of another digest with 400
/// (`BadDigest`; <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>).
#[async_trait]
impl UploadLinks for Bucket {
    async fn upload_link(
        &self,
        upload: &AnnouncedUpload,
        since: Timestamp,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>, Unavailable> {
        if self.has(&upload.key, upload.bytes.get(), since).await? {
            return Ok(None);
        }
        let now = self.clock.now();
        let length = i64::try_from(upload.bytes.get())
            .map_err(|error| Unavailable::new("outputs", error))?;
        let signed = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(upload.key.as_str())
            .content_length(length)
            .content_type(upload.media_type.as_str())
            .checksum_sha256(STANDARD.encode(upload.sha256.to_bytes()))
            .presigned(presigning(now, lifetime)?)
            .await
            .map_err(unavailable)?;
        let headers = signed
            .headers()
            .filter(|(name, _)| !SENT_ANYWAY.contains(name));
        Ok(Some(SignedPut {
            url: signed
                .uri()
                .parse()
                .map_err(|error: url::ParseError| Unavailable::new("outputs", error))?,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            expires_at: self.until_credentials_end(now + lifetime).await,
        }))
    }
}

impl Bucket {
    /// Whether so many bytes are stored under a key, and have been stored since then: objects expire some time after
    /// they were stored, and asking for them changes nothing.
    async fn has(
        &self,
        key: &OutputKey,
        bytes: u64,
        since: Timestamp,
    ) -> Result<bool, Unavailable> {
        let head = self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key.as_str());
        match head.send().await {
            Ok(head) => {
                let length = head.content_length.and_then(|it| u64::try_from(it).ok());
                let stored = head.last_modified.map(|at| at.secs());
                Ok(length == Some(bytes) && stored.is_some_and(|at| at >= since.as_second()))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                Ok(false)
            }
            Err(error) => Err(unavailable(error)),
        }
    }
}
