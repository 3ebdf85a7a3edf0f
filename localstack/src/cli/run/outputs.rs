//! The folder of outputs: a file appears in it whole, or not at all.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use assetmill_core::Sha256Digest;
use assetmill_sqlite::private;
use bytes::Bytes;

use super::journal::Written;
use super::names::with_ending;
use super::source::Source;

/// What the folder of what is not whole is called.
const PARTS: &str = "parts";

/// Why an output is not in its place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The file can't be written.
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    /// A file is there that is not this source's.
    #[error("{}", in_the_way(.0))]
    NotOurs(PathBuf),
    /// It is a source itself.
    #[error("{path} is a source itself: choose another folder or names", path = .0.display())]
    Source(PathBuf),
    /// What came is not what was announced.
    #[error(
        "what came has another SHA-256 than the output; it is fetched again when the same command runs again"
    )]
    Damaged,
}

/// The folder of outputs.
#[derive(Debug)]
pub(crate) struct Outputs {
    folder: PathBuf,
    /// Where outputs are before they are whole.
    parts: PathBuf,
    /// Whether other files may be written over.
    force: bool,
    ours: Mutex<HashSet<String>>,
    /// Files that are read, and not written to.
    sources: HashSet<PathBuf>,
}

impl Outputs {
    /// The folder, and one within it for what is not whole. What a run that was killed left there goes.
    pub(crate) fn open(
        folder: PathBuf,
        own: &Path,
        force: bool,
        sources: &[Source],
    ) -> io::Result<Self> {
        let parts = own.join(PARTS);
        match fs::remove_dir_all(&parts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        private::create_dir_all(&parts)?;
        Ok(Self {
            folder,
            parts,
            force,
            ours: Mutex::default(),
            sources: sources
                .iter()
                .filter_map(|source| source.file()?.canonicalize().ok())
                .collect(),
        })
    }

    /// Whether an output that a run wrote is still there. Who changed it since keeps it.
    pub(crate) fn has(&self, written: &Written) -> bool {
        let found = fs::metadata(self.folder.join(&written.output));
        // After a power failure a file may be empty.
        found.is_ok_and(|found| found.is_file() && (found.len() > 0 || written.bytes == 0))
    }

    /// Why an output of this name can't be written, whichever of these endings it has; `may_replace` tells files of earlier
    /// runs.
    pub(crate) fn refuses(
        &self,
        name: &str,
        endings: &[&str],
        may_replace: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let mut refusals = endings.iter().map(|ending| {
            let output = with_ending(name, ending);
            let path = self.folder.join(&output);
            let replaces = self.force || may_replace(&output);
            if self.is_source(&path) {
                return Some(WriteError::Source(path).to_string());
            }
            (!replaces && path.exists()).then(|| in_the_way(&path))
        });
        let first = refusals.next()??;
        refusals.all(|refusal| refusal.is_some()).then_some(first)
    }

    fn is_source(&self, path: &Path) -> bool {
        path.canonicalize()
            .is_ok_and(|path| self.sources.contains(&path))
    }

    /// Writes an output, once it is known to be whole. `may_replace` tells files of earlier runs.
    pub(crate) fn write(
        &self,
        name: &str,
        ending: &str,
        content: &Bytes,
        sha256: &str,
        may_replace: impl Fn(&str) -> bool,
    ) -> Result<Written, WriteError> {
        if Sha256Digest::of(content).as_str() != sha256 {
            return Err(WriteError::Damaged);
        }
        let output = with_ending(name, ending);
        let path = self.folder.join(&output);
        if self.is_source(&path) {
            return Err(WriteError::Source(path));
        }
        let replaces = self.force || may_replace(&output) || self.is_ours(&output);
        if !replaces && path.exists() && !is_same(&path, content) {
            return Err(WriteError::NotOurs(path));
        }
        self.write_whole(&path, content)
            .map_err(|source| WriteError::File { path, source })?;
        let mut ours = self.ours.lock().unwrap_or_else(PoisonError::into_inner);
        ours.insert(output.clone());
        Ok(Written {
            output,
            bytes: content.len() as u64,
            sha256: sha256.to_owned(),
        })
    }

    fn is_ours(&self, output: &str) -> bool {
        let ours = self.ours.lock().unwrap_or_else(PoisonError::into_inner);
        ours.contains(output)
    }

    /// Not synchronised with the disk: what a power failure takes is fetched again from where it is kept.
    fn write_whole(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut builder = tempfile::Builder::new();
        // As any other file that its user makes: less what the umask takes.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(&self.parts)?;
        file.write_all(content)?;
        file.persist(path)?;
        Ok(())
    }

    /// Where an output is, as its user would write it.
    pub(crate) fn path(&self, output: &str) -> PathBuf {
        self.folder.join(output)
    }
}

fn in_the_way(path: &Path) -> String {
    format!(
        "{} is there already, and was not made of this source by a run: move it, choose another folder or names, or say \
         --force",
        path.display()
    )
}

/// Whether a file has this content: a run that was killed wrote it, and had not noted it.
fn is_same(path: &Path, content: &Bytes) -> bool {
    fs::read(path).is_ok_and(|found| found == *content)
}
