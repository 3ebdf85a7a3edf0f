//! The folder that holds everything.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::database::DatabaseError;
use super::private;

/// The folder that holds everything, held by this process alone for as long as this value lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    // Closing it ends the lock.
    _lock: File,
    /// Whoever stores an output, or finds one to name it, reads; whoever deletes one for its age writes.
    outputs: RwLock<()>,
}

/// Why the folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be made, read or written.
    #[error("the data folder {path} can't be used: {source}; choose another with --data")]
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process holds it.
    #[error(
        "another assetmill is running on the data folder {path}; stop it, or choose another \
         folder with --data"
    )]
    Held {
        /// Which folder.
        path: PathBuf,
    },
    /// The database can't be opened.
    #[error("the database can't be opened: {0}")]
    Database(#[from] DatabaseError),
}

// The length of the key that result URLs are signed with, in bytes: as long as the output of the
// hash (RFC 2104, section 3).
const SIGNING_KEY_BYTES: usize = 32;

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Folder { path, source }
        };
        private::create_dir_all(path).map_err(failed(path))?;
        let path = fs::canonicalize(path).map_err(failed(path))?;
        let lock_path = path.join("lock");
        let lock = private::create_file(&lock_path).map_err(failed(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Held { path }),
            Err(TryLockError::Error(source)) => return Err(failed(&lock_path)(source)),
        }
        let folder = Self {
            path,
            _lock: lock,
            outputs: RwLock::default(),
        };
        folder.clear_unfinished().map_err(failed(&folder.path))?;
        folder.tighten().map_err(failed(&folder.path))?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where finished outputs are.
    pub fn outputs(&self) -> PathBuf {
        self.path.join("outputs")
    }

    /// Keeps outputs from being deleted meanwhile.
    pub(super) fn renewing(&self) -> RwLockReadGuard<'_, ()> {
        // It guards no value that a panic could have left half changed.
        self.outputs.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps outputs from being stored or found meanwhile.
    pub(super) fn removing(&self) -> RwLockWriteGuard<'_, ()> {
        self.outputs.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where outputs are written before they are whole.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.path.join("unfinished")
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join("assetmill.db")
    }

    /// The key that result URLs are signed with, made at the first start and readable by the owner
    /// alone.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn signing_key(&self) -> Result<[u8; SIGNING_KEY_BYTES], OpenError> {
        let path = self.path.join("signing-key");
        read_or_make_key(&path).map_err(|source| OpenError::Folder { path, source })
    }

    fn clear_unfinished(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.unfinished()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        private::create_dir_all(&self.unfinished())?;
        private::create_dir_all(&self.outputs())
    }

    /// Takes from others what an earlier version, or the operator, let them have. The folder itself comes
    /// last, so that a process that is killed meanwhile leaves the next one to begin anew; what
    /// else lies in it is not this program's.
    fn tighten(&self) -> io::Result<()> {
        // SQLite gives its other files the mode of this one (https://sqlite.org/tempfiles.html).
        drop(private::open_file(&self.database())?);
        if private::is_private(&self.path)? {
            return Ok(());
        }
        let database = self.database();
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = database.clone().into_os_string();
            name.push(suffix);
            private::tighten_all(Path::new(&name))?;
        }
        for name in ["lock", "signing-key"] {
            private::tighten_all(&self.path.join(name))?;
        }
        private::tighten_all(&self.outputs())?;
        private::tighten(&self.path)
    }
}

fn read_or_make_key(path: &Path) -> io::Result<[u8; SIGNING_KEY_BYTES]> {
    let mut key = [0; SIGNING_KEY_BYTES];
    match File::open(path) {
        Ok(mut file) => file.read_exact(&mut key)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            key = rand::random();
            let whole = path.with_extension("new");
            let mut file = private::create_file(&whole)?;
            file.write_all(&key)?;
            file.sync_all()?;
            fs::rename(&whole, path)?;
        }
        Err(error) => return Err(error),
    }
    Ok(key)
}
