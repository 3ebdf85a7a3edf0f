//! Files of this machine as assets, without a copy of them.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use assetmill_core::ports::{OutputWrites, Unavailable};
use assetmill_core::{MediaType, OutputKey, Sha256Digest};
use async_trait::async_trait;
use bytes::Bytes;

/// How a file was when it was looked at: what has the same is the same file, as for `make` and `rsync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    pub(crate) modified: SystemTime,
}

impl Stamp {
    /// How the file is now.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Self::new(&std::fs::metadata(path)?)
    }

    /// The same of what is known of a file.
    pub(crate) fn new(metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            bytes: metadata.len(),
            modified: metadata.modified()?,
        })
    }
}

/// Files by what is in them. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct LocalFiles(Arc<RwLock<HashMap<String, (PathBuf, Stamp)>>>);

impl LocalFiles {
    /// Has this file taken where `url` (that of an upload) is asked for, as long as it is as it was.
    pub(crate) fn know(&self, url: &str, path: PathBuf, stamp: Stamp) {
        let name = url.strip_prefix("asset:").unwrap_or(url).to_owned();
        let mut files = self.0.write().unwrap_or_else(PoisonError::into_inner);
        files.insert(name, (path, stamp));
    }

    fn find(&self, key: &OutputKey) -> Option<(PathBuf, Stamp)> {
        let (_, name) = key.as_str().split_once('/')?;
        let files = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (path, stamp) = files.get(name)?;
        let unchanged = Stamp::of(path).is_ok_and(|now| now == *stamp);
        unchanged.then(|| (path.clone(), *stamp))
    }
}

/// The URL of an upload of these bytes.
pub(crate) fn asset_url(sha256: &Sha256Digest, beginning: &[u8]) -> String {
    let extension = MediaType::of_content(beginning).extension();
    format!("asset:{sha256}.{extension}")
}

/// Uploads of a store, and files beside it that are read where they are.
pub(crate) struct WithLocalFiles {
    pub(crate) files: LocalFiles,
    pub(crate) others: Arc<dyn OutputWrites>,
}

#[async_trait]
impl OutputWrites for WithLocalFiles {
    async fn put(
        &self,
        key: &OutputKey,
        content: Bytes,
        media_type: &MediaType,
    ) -> Result<(), Unavailable> {
        self.others.put(key, content, media_type).await
    }

    async fn size(&self, key: &OutputKey) -> Result<Option<u64>, Unavailable> {
        match self.files.find(key) {
            Some((_, stamp)) => Ok(Some(stamp.bytes)),
            None => self.others.size(key).await,
        }
    }

    async fn get(&self, key: &OutputKey) -> Result<Option<Bytes>, Unavailable> {
        let Some((path, stamp)) = self.files.find(key) else {
            return self.others.get(key).await;
        };
        let content = tokio::fs::read(&path).await;
        // One that is written to meanwhile is not what its name says.
        match content {
            Ok(content) if Stamp::of(&path).is_ok_and(|now| now == stamp) => {
                Ok(Some(content.into()))
            }
            Ok(_) | Err(_) => self.others.get(key).await,
        }
    }
}
