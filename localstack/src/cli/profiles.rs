//! Servers that are called by a name: a file of their URLs and keys, its owner's alone.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

use assetmill_sqlite::private;
use serde::{Deserialize, Serialize};
use url::Url;

/// Why there is no such profile, or it can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Nobody knows where such files are.
    #[error("there is no home folder to keep profiles in; set ASSETMILL_PROFILES to a file")]
    NoHome,
    /// The file can't be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is broken.
    #[error("{path}: {reason}", path = path.display())]
    Broken {
        /// Which.
        path: PathBuf,
        /// Where, and why.
        reason: String,
    },
    /// There is no profile of this name.
    #[error(
        "there is no profile {name:?}; `assetmill login --profile {name} URL` makes it. There are: {known}"
    )]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
}

/// A server, and whom it knows its caller as.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) server: Url,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// All profiles, and the file that has them.
#[derive(Debug)]
pub(crate) struct Profiles {
    path: PathBuf,
    all: BTreeMap<String, Profile>,
}

impl Profiles {
    /// Reads them; where there is no file there are none.
    pub(crate) fn read() -> Result<Self, ProfileError> {
        let path = path()?;
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(ProfileError::File { path, source }),
        };
        match toml::from_str(&text) {
            Ok(all) => Ok(Self { path, all }),
            Err(error) => {
                // Not with the line itself, which may have a key.
                let reason = error.message().to_owned();
                Err(ProfileError::Broken { path, reason })
            }
        }
    }

    /// The profile of this name.
    pub(crate) fn get(&self, name: &str) -> Result<&Profile, ProfileError> {
        self.all.get(name).ok_or_else(|| {
            let known: Vec<_> = self.all.keys().map(String::as_str).collect();
            ProfileError::Unknown {
                name: name.to_owned(),
                known: match known[..] {
                    [] => "none".to_owned(),
                    _ => known.join(", "),
                },
            }
        })
    }

    /// Keeps a profile, in the place of one of the same name; where.
    pub(crate) fn keep(mut self, name: &str, profile: Profile) -> Result<PathBuf, ProfileError> {
        self.all.insert(name.to_owned(), profile);
        let failed = |source| ProfileError::File {
            path: self.path.clone(),
            source,
        };
        let folder = self.path.parent().ok_or(ProfileError::NoHome)?;
        private::create_dir_all(folder).map_err(failed)?;
        let text = toml::to_string(&self.all).map_err(|error| failed(io::Error::other(error)))?;
        // Others may read none of it, at no time.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.persist(&self.path)
            .map_err(|error| failed(error.error))?;
        Ok(self.path)
    }
}

/// Where configuration of users is, by the XDG Base Directory Specification; on Windows, in `APPDATA`.
fn path() -> Result<PathBuf, ProfileError> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(file) = variable("ASSETMILL_PROFILES") {
        return Ok(file.into());
    }
    let configuration = variable("XDG_CONFIG_HOME")
        .or_else(|| variable("APPDATA"))
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")));
    let folder = configuration.ok_or(ProfileError::NoHome)?;
    Ok(folder.join("assetmill/profiles.toml"))
}
