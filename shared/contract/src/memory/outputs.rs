use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use assetmill_core::ports::{
    AnnouncedUpload, OutputLinks, OutputWrites, SignedPut, SignedUrl, Unavailable, UploadLinks,
    link_times,
};
use assetmill_core::{MediaType, OutputKey};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

/// Outputs in memory. Their links lead nowhere.
#[derive(Debug, Default)]
pub struct MemoryOutputs(Mutex<HashMap<OutputKey, Bytes>>);

impl MemoryOutputs {
    /// Loses an output, as nobody should.
    pub fn lose(&self, key: &OutputKey) {
        self.0.lock().unwrap().remove(key);
    }
}

#[async_trait]
impl OutputWrites for MemoryOutputs {
    async fn put(
        &self,
        key: &OutputKey,
        content: Bytes,
        _media_type: &MediaType,
    ) -> Result<(), Unavailable> {
        self.0.lock().unwrap().insert(key.clone(), content);
        Ok(())
    }

    async fn size(&self, key: &OutputKey) -> Result<Option<u64>, Unavailable> {
        let outputs = self.0.lock().unwrap();
        Ok(outputs.get(key).map(|content| content.len() as u64))
    }

    async fn get(&self, key: &OutputKey) -> Result<Option<Bytes>, Unavailable> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }
}

#[async_trait]
impl OutputLinks for MemoryOutputs {
    async fn link(&self, key: &OutputKey, lifetime: Duration) -> Result<SignedUrl, Unavailable> {
        let (start, lifetime) = link_times(Timestamp::now(), lifetime);
        let url = format!("memory://outputs/{key}");
        Ok(SignedUrl {
            url: url.parse().unwrap(),
            expires_at: start + lifetime,
        })
    }
}

#[async_trait]
impl UploadLinks for MemoryOutputs {
    async fn upload_link(
        &self,
        upload: &AnnouncedUpload,
        _since: Timestamp,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>, Unavailable> {
        if self.size(&upload.key).await? == Some(upload.bytes.get()) {
            return Ok(None);
        }
        let url = format!("memory://uploads/{}", upload.key);
        Ok(Some(SignedPut {
            url: url.parse().unwrap(),
            headers: BTreeMap::from([("x-sha256".to_owned(), upload.sha256.to_string())]),
            expires_at: Timestamp::now() + lifetime,
        }))
    }
}
