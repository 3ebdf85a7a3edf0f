//! Assets that were uploaded.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{OutputLinks, OutputWrites, SignedUrl, Unavailable};
use assetmill_core::{
    AssetUrl, FailureCode, MediaType, OperationError, OutputKey, Sha256Digest, TenantId,
};
use assetmill_fetch::Fetcher;
use async_trait::async_trait;
use bytes::Bytes;

use crate::site::{fetch, fetcher};

/// A store that has this, whatever it is asked for, and checks nothing of what it is sent.
struct Credulous(Option<&'static [u8]>);

#[async_trait]
impl OutputWrites for Credulous {
    async fn put(&self, _: &OutputKey, _: Bytes, _: &MediaType) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn size(&self, _: &OutputKey) -> Result<Option<u64>, Unavailable> {
        Ok(self.0.map(|content| content.len() as u64))
    }

    async fn get(&self, _: &OutputKey) -> Result<Option<Bytes>, Unavailable> {
        Ok(self.0.map(Bytes::from_static))
    }
}

#[async_trait]
impl OutputLinks for Credulous {
    async fn link(&self, key: &OutputKey, _: Duration) -> Result<SignedUrl, Unavailable> {
        Ok(SignedUrl {
            url: format!("https://store.example/{key}").parse().unwrap(),
            expires_at: jiff::Timestamp::MAX,
        })
    }
}

fn with(stored: Option<&'static [u8]>) -> Fetcher {
    let store = Arc::new(Credulous(stored));
    fetcher("127.0.0.1").with_uploads(store.clone(), store)
}

fn url_of(content: &[u8]) -> String {
    let tenant: TenantId = "acme".parse().unwrap();
    let key = OutputKey::new(&tenant, &Sha256Digest::of(content), &MediaType::png());
    AssetUrl::of_upload(&key).unwrap().to_string()
}

#[tokio::test]
async fn an_upload_is_what_its_name_says_or_is_not_there() {
    let asset = fetch(&with(Some(b"sent")), &url_of(b"sent")).await.unwrap();
    assert_eq!(asset.content, "sent");
    for (stored, says) in [
        (None, "never sent or not in time"),
        (Some(&b"forged"[..]), "another SHA-256"),
    ] {
        let error = fetch(&with(stored), &url_of(b"sent")).await.unwrap_err();
        let OperationError::Permanent(failure) = error else {
            panic!("{error:?}");
        };
        assert_eq!(failure.code, FailureCode::SourceNotFound);
        assert!(failure.message.contains(says), "{}", failure.message);
    }
}
