//! Outputs in S3.

mod uploads;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use assetmill_core::ports::{
    Clock, OutputLinks, OutputWrites, Probe, SignedUrl, Unavailable, link_times,
};
use assetmill_core::{MediaType, OutputKey};
use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::presigning::PresigningConfig;
use bytes::Bytes;
use jiff::Timestamp;

use crate::Clients;
use crate::fault::described;

/// Outputs as objects `{tenant}/{sha256}.{extension}` of one bucket.
#[derive(Clone)]
pub struct Bucket {
    client: aws_sdk_s3::Client,
    credentials: Option<SharedCredentialsProvider>,
    name: String,
    clock: Arc<dyn Clock>,
}

impl Bucket {
    /// The bucket of this name.
    pub fn new(clients: &Clients, name: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            client: clients.s3.clone(),
            credentials: clients.credentials.clone(),
            name: name.into(),
            clock,
        }
    }

    /// When the credentials that sign stop working, and with them every URL that they signed;
    /// `None` if they say no time.
    async fn credentials_end(&self) -> Option<Timestamp> {
        let credentials = self
            .credentials
            .as_ref()?
            .provide_credentials()
            .await
            .ok()?;
        Timestamp::try_from(credentials.expiry()?).ok()
    }

    /// When a URL really stops working that is to work until then.
    async fn until_credentials_end(&self, expires_at: Timestamp) -> Timestamp {
        let end = self.credentials_end().await;
        end.map_or(expires_at, |end| end.min(expires_at))
    }
}

#[async_trait]
impl OutputWrites for Bucket {
    async fn put(
        &self,
        key: &OutputKey,
        content: Bytes,
        media_type: &MediaType,
    ) -> Result<(), Unavailable> {
        self.client
            .put_object()
            .bucket(&self.name)
            .key(key.as_str())
            .content_type(media_type.to_string())
            .body(content.into())
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn size(&self, key: &OutputKey) -> Result<Option<u64>, Unavailable> {
        let head = self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key.as_str());
        match head.send().await {
            Ok(head) => Ok(Some(
                head.content_length
                    .and_then(|length| length.try_into().ok())
                    .unwrap_or_default(),
            )),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                Ok(None)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn get(&self, key: &OutputKey) -> Result<Option<Bytes>, Unavailable> {
        let get = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key.as_str());
        match get.send().await {
            Ok(object) => {
                let content = object.body.collect().await;
                let content = content.map_err(|error| Unavailable::new("outputs", error))?;
                Ok(Some(content.into_bytes()))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetObjectError::is_no_such_key) =>
            {
                Ok(None)
            }
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// URLs are presigned: S3 checks them, and nothing of Assetmill has to run to hand out an output.
/// They die with the credentials that signed them
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html>).
#[async_trait]
impl OutputLinks for Bucket {
    async fn link(&self, key: &OutputKey, lifetime: Duration) -> Result<SignedUrl, Unavailable> {
        let (start, lifetime) = link_times(self.clock.now(), lifetime);
        let presigning = presigning(start, lifetime)?;
        let signed = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key.as_str())
            .presigned(presigning)
            .await
            .map_err(unavailable)?;
        let expires_at = start + lifetime;
        Ok(SignedUrl {
            url: signed
                .uri()
                .parse()
                .map_err(|error: url::ParseError| Unavailable::new("outputs", error))?,
            expires_at: self.until_credentials_end(expires_at).await,
        })
    }
}

#[async_trait]
impl Probe for Bucket {
    fn dependency(&self) -> &'static str {
        "outputs"
    }

    async fn probe(&self) -> Result<(), Unavailable> {
        let head = self.client.head_bucket().bucket(&self.name);
        head.send().await.map_err(unavailable)?;
        Ok(())
    }
}

/// Signs for so long, as if it were then.
fn presigning(start: Timestamp, lifetime: Duration) -> Result<PresigningConfig, Unavailable> {
    let since_1970: Duration = start
        .duration_since(Timestamp::UNIX_EPOCH)
        .try_into()
        .unwrap_or_default();
    PresigningConfig::builder()
        .start_time(UNIX_EPOCH + since_1970)
        .expires_in(lifetime)
        .build()
        .map_err(|error| Unavailable::new("outputs", error))
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Unavailable {
    Unavailable::new("outputs", described(&error))
}
