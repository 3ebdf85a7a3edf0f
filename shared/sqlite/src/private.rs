//! Files and folders of their owner alone: 0600 and 0700, whatever the umask lets others have. Where there
//! are no such modes, files have what their folder says.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a folder that is its owner's alone, and those above it that are not there.
///
/// # Errors
/// Whatever the file system says; a folder that is there is none.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a file, or empties it.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    options().truncate(true).open(path)
}

/// Opens a file as it is, or makes it.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    options().truncate(false).open(path)
}

fn options() -> OpenOptions {
    let mut options = File::options();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether others can do nothing with it.
#[cfg(unix)]
pub(super) fn is_private(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    const OF_OTHERS: u32 = 0o077;
    let mode = fs::metadata(path)?.permissions().mode();
    Ok(mode & OF_OTHERS == 0)
}

/// Takes from others what they may do with a file or a folder. Whose owner is somebody else decides
/// himself: that is said in the log.
#[cfg(unix)]
pub(super) fn tighten(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_mode(permissions.mode() & 0o700);
    match fs::set_permissions(path, permissions) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let path = path.display();
            tracing::warn!(%path, "others may read this, and its owner is another user");
            Ok(())
        }
        done => done,
    }
}

#[cfg(not(unix))]
pub(super) fn is_private(_path: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
pub(super) fn tighten(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Tightens a file, or a folder with all that is in it; what is not there needs nothing. Links are not
/// followed.
pub(super) fn tighten_all(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if found.is_symlink() {
        return Ok(());
    }
    if found.is_dir() {
        for entry in fs::read_dir(path)? {
            tighten_all(&entry?.path())?;
        }
    }
    tighten(path)
}
