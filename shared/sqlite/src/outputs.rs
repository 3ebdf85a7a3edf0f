//! Outputs in a folder.

mod folder_sync;

use std::collections::HashSet;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use assetmill_core::ports::{OutputWrites, Probe, Unavailable};
use assetmill_core::{MediaType, OutputKey};
use async_trait::async_trait;
use bytes::Bytes;
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use folder_sync::FolderSync;

use super::folder::Folder;
use super::private;

/// How many outputs are written at the same time.
const WRITING: usize = 8;

/// Outputs as files: `outputs/{tenant}/{sha256}.{extension}`.
#[derive(Debug, Clone)]
pub struct FolderOutputs {
    folder: Arc<Folder>,
    /// Each write has a thread that waits for the disk.
    writing: Arc<Semaphore>,
    naming: Arc<Mutex<()>>,
    names: Arc<FolderSync>,
}

impl FolderOutputs {
    pub(super) fn new(folder: Arc<Folder>) -> Self {
        let writing = Arc::new(Semaphore::new(WRITING));
        Self {
            folder,
            writing,
            naming: Arc::default(),
            names: Arc::default(),
        }
    }

    /// The file of an output.
    pub fn path(&self, key: &OutputKey) -> PathBuf {
        self.folder.outputs().join(key.as_str())
    }

    /// How many bytes an output has, if it is there. If so, whoever asked may name it now, so it counts as new.
    fn renew(&self, path: &Path) -> io::Result<Option<u64>> {
        let _renewed = self.folder.renewing();
        match File::open(path) {
            Ok(file) => {
                file.set_modified(SystemTime::now())?;
                Ok(Some(file.metadata()?.len()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many outputs were neither stored nor asked for since then.
    pub(super) fn count_old(&self, since: SystemTime) -> io::Result<usize> {
        let mut count = 0;
        self.each_old(since, |_| count += 1)?;
        Ok(count)
    }

    /// The outputs that were neither stored nor asked for since then: part number `part`, from 0, of `parts` of about
    /// the same size.
    pub(super) fn old(
        &self,
        since: SystemTime,
        part: usize,
        parts: usize,
    ) -> io::Result<HashSet<OutputKey>> {
        let mut old = HashSet::new();
        self.each_old(since, |key| {
            let mut hash = DefaultHasher::new();
            key.hash(&mut hash);
            if usize::try_from(hash.finish() % parts as u64) == Ok(part) {
                old.insert(key);
            }
        })?;
        Ok(old)
    }

    fn each_old(&self, since: SystemTime, mut found: impl FnMut(OutputKey)) -> io::Result<()> {
        for tenant in fs::read_dir(self.folder.outputs())? {
            let tenant = tenant?;
            if !tenant.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(tenant.path())? {
                let file = file?;
                let (tenant, name) = (tenant.file_name(), file.file_name());
                let key = format!("{}/{}", tenant.display(), name.display());
                // What else lies there is not this program's.
                if let Ok(key) = key.parse()
                    && file.metadata()?.modified()? <= since
                {
                    found(key);
                }
            }
        }
        Ok(())
    }

    /// Deletes an output, unless it was stored or asked for since then. Whether it did.
    pub(super) fn remove_old(&self, key: &OutputKey, since: SystemTime) -> io::Result<bool> {
        let path = self.path(key);
        let _alone = self.folder.removing();
        match fs::metadata(&path) {
            Ok(found) if found.modified()? > since => Ok(false),
            Ok(_) => fs::remove_file(&path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn write(&self, key: &OutputKey, content: &[u8]) -> io::Result<()> {
        let path = self.path(key);
        let parent = path.parent().unwrap_or(&path);
        if !parent.try_exists()? {
            private::create_dir_all(parent)?;
            File::open(self.folder.outputs())?.sync_all()?;
        }
        let mut file = {
            let _turn = self.turn();
            NamedTempFile::new_in(self.folder.unfinished())?
        };
        file.write_all(content)?;
        file.as_file().sync_all()?;
        {
            let _renewed = self.folder.renewing();
            let _turn = self.turn();
            file.persist(&path)?;
        }
        // The name is on the disk once its folder is.
        self.names.sync(parent)
    }

    /// The turn to make or to move a file: who waits for the folders in the kernel spins meanwhile.
    fn turn(&self) -> MutexGuard<'_, ()> {
        // It guards no value.
        self.naming.lock().unwrap_or_else(PoisonError::into_inner)
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
        // It is never closed.
        let turn = self.writing.clone().acquire_owned().await;
        blocking(move || {
            // Also if nobody waits any more.
            let _turn = turn;
            outputs.write(&key, &content)
        })
        .await
    }

    async fn size(&self, key: &OutputKey) -> Result<Option<u64>, Unavailable> {
        let (outputs, path) = (self.clone(), self.path(key));
        blocking(move || outputs.renew(&path)).await
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

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Unavailable> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Unavailable::new("outputs", error)),
        Err(error) => Err(Unavailable::new("outputs", error)),
    }
}
