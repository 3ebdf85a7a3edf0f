//! A file of callers that is changed while a program reads it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use assetmill_sqlite::private;

use super::KeyError;
use crate::callers::{self, CallersError};

/// Changes the text of a file; one that is not there is empty, and made. Whether it was there. Whoever reads it
/// meanwhile finds it as it was, or as it becomes; and two who change it, do so one after the other.
///
/// # Errors
/// [`KeyError`], and then the file is as it was.
pub(super) fn change(
    path: &PathBuf,
    change: impl FnOnce(&str) -> Result<String, KeyError>,
) -> Result<bool, KeyError> {
    let unwritten = |source| KeyError::Write {
        path: path.display().to_string(),
        source,
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        private::create_dir_all(folder).map_err(unwritten)?;
    }
    let lock = beside(path, "lock");
    let lock = options().truncate(false).open(lock).map_err(unwritten)?;
    lock.lock().map_err(unwritten)?;
    let (text, was_there) = match callers::read(path) {
        Ok(text) => (text, true),
        Err(CallersError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            (String::new(), false)
        }
        Err(error) => return Err(error.into()),
    };
    let changed = change(&text)?;
    if changed != text {
        replace(path, &changed).map_err(unwritten)?;
    }
    Ok(was_there)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = beside(path, "new");
    let mut file = options().truncate(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(path) {
        keep_access(&file, &new, &old)?;
    }
    file.sync_all()?;
    fs::rename(new, path)
}

/// Whoever may read the file, may read it again.
fn keep_access(file: &File, new: &Path, old: &fs::Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, chown};
        // Where that is another's, root alone may.
        let _ = chown(new, Some(old.uid()), Some(old.gid()));
    }
    #[cfg(not(unix))]
    let _ = new;
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Its owner's alone, like all else in the folder.
fn options() -> OpenOptions {
    let mut options = File::options();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
