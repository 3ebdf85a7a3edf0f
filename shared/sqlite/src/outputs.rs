//! Outputs in a folder.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use assetmill_core::ports::{OutputWrites, Probe, Unavailable};
use assetmill_core::{MediaType, OutputKey};
use async_trait::async_trait;
use bytes::Bytes;
use tempfile::NamedTempFile;

use super::folder::Folder;
use super::private;

/// Outputs as files: `outputs/{tenant}/{sha256}.{extension}`.
#[derive(Debug, Clone)]
pub struct FolderOutputs {
    folder: Arc<Folder>,
}

impl FolderOutputs {
    pub(super) fn new(folder: Arc<Folder>) -> Self {
        Self { folder }
    }

    /// The file of an output.
    pub fn path(&self, key: &OutputKey) -> PathBuf {
        self.folder.outputs().join(key.as_str())
    }

    fn write(&self, key: &OutputKey, content: &[u8]) -> io::Result<()> {
        let path = self.path(key);
        let parent = path.parent().unwrap_or(&path);
        if !parent.try_exists()? {
            private::create_dir_all(parent)?;
            File::open(self.folder.outputs())?.sync_all()?;
        }
        let mut file = NamedTempFile::new_in(self.folder.unfinished())?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        // The name is on the disk once its folder is.
        File::open(parent)?.sync_all()
    }
}

#[async_trait]
impl OutputWrites for FolderOutputs {
    async fn put(
        &self,
        key: &OutputKey,
        content: Bytes,
        _media_type: &MediaType,
    ) -> Result<(), Unavailable> {
        let (outputs, key) = (self.clone(), key.clone());
        blocking(move || outputs.write(&key, &content)).await
    }

    async fn exists(&self, key: &OutputKey) -> Result<bool, Unavailable> {
        let path = self.path(key);
        blocking(move || path.try_exists()).await
    }

    async fn get(&self, key: &OutputKey) -> Result<Option<Bytes>, Unavailable> {
        let path = self.path(key);
        blocking(move || match fs::read(path) {
            Ok(content) => Ok(Some(content.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }
}

#[async_trait]
impl Probe for FolderOutputs {
    fn dependency(&self) -> &'static str {
        "outputs"
    }

    async fn probe(&self) -> Result<(), Unavailable> {
        let folder = self.folder.clone();
        blocking(move || {
            NamedTempFile::new_in(folder.unfinished())?;
            folder.outputs().read_dir().map(drop)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Unavailable> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Unavailable::new("outputs", error)),
        Err(error) => Err(Unavailable::new("outputs", error)),
    }
}
