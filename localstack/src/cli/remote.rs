//! Which Assetmill a command talks to.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use assetmill_client::{Client, Network};
use assetmill_sqlite::OpenError;
use clap::Args;
use url::Url;

use super::CliError;
use super::in_process::InProcess;
use super::local_files::LocalFiles;
use super::profiles::Profiles;
use crate::config::Config;
use crate::serve::ServeError;

/// Which Assetmill a command talks to, and how it answers.
#[derive(Debug, Clone, Args)]
pub struct Remote {
    /// The Assetmill to talk to (or `ASSETMILL_SERVER`). Without it, the command is one itself, on the folder of --data; or
    /// talks to the program that runs there.
    #[arg(long, value_name = "URL", value_parser = server)]
    pub server: Option<Url>,

    /// The same by a name that `assetmill login` gave it (or `ASSETMILL_PROFILE`).
    #[arg(long, value_name = "NAME", conflicts_with = "server")]
    pub profile: Option<String>,

    /// The key to call with, where callers need one. Others on this machine may see it: rather set `ASSETMILL_KEY`, or
    /// use a profile.
    #[arg(
        long,
        env = "ASSETMILL_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    pub key: Option<String>,

    /// Prints JSON, one object a line, and nothing else on stdout.
    #[arg(long)]
    pub json: bool,
}

/// A client, and the Assetmill behind it where that is in this process.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) here: Option<InProcess>,
}

impl Connection {
    /// One to the Assetmill at this URL.
    pub(crate) fn over_network(server: Url, key: Option<&str>) -> Result<Self, CliError> {
        Ok(Self {
            client: over_network(server, key)?,
            here: None,
        })
    }
}

impl Remote {
    /// The server that is named, and the key for it. An option goes before what the environment says, which clap would
    /// take for options that exclude each other.
    pub(crate) fn named(&self) -> Result<Option<(Url, Option<String>)>, CliError> {
        if let Some(server) = &self.server {
            return Ok(Some((server.clone(), self.key.clone())));
        }
        if let Some(name) = &self.profile {
            return self.profile(name).map(Some);
        }
        if let Some(text) = variable("ASSETMILL_SERVER") {
            let server = server(&text).map_err(CliError::Server)?;
            return Ok(Some((server, self.key.clone())));
        }
        match variable("ASSETMILL_PROFILE") {
            Some(name) => self.profile(&name).map(Some),
            None => Ok(None),
        }
    }

    fn profile(&self, name: &str) -> Result<(Url, Option<String>), CliError> {
        let profiles = Profiles::read()?;
        let profile = profiles.get(name)?;
        let key = self.key.clone().or_else(|| profile.key.clone());
        Ok((profile.server.clone(), key))
    }

    /// Connects to it, or opens the folder. A folder that nobody made is none to ask about.
    pub(crate) async fn connect(&self, config: &Config) -> Result<Connection, CliError> {
        if let Some((server, key)) = self.named()? {
            return Connection::over_network(server, key.as_deref());
        }
        let folder = config.data();
        if !config.aws && !folder.try_exists().unwrap_or(true) {
            return Err(CliError::NoData(folder.to_owned()));
        }
        self.open(config, folder, LocalFiles::default()).await
    }

    /// The same for what does not depend on a folder: where nobody made it, nothing is made.
    pub(crate) async fn connect_anyway(&self, config: &Config) -> Result<Connection, CliError> {
        match self.connect(config).await {
            Err(CliError::NoData(_)) => {
                let nothing = tempfile::tempdir()?;
                self.open(config, nothing.path(), LocalFiles::default())
                    .await
            }
            connected => connected,
        }
    }

    /// Opens a folder in this process; where another holds it that serves, it is asked.
    pub(crate) async fn open(
        &self,
        config: &Config,
        folder: &Path,
        files: LocalFiles,
    ) -> Result<Connection, CliError> {
        let opened = InProcess::open(config, folder, files).await;
        match opened {
            Ok(here) => {
                if here.is_of_a_folder() {
                    // Whoever said so is gone, and somebody else may be there by now.
                    let _ = std::fs::remove_file(folder.join(SERVED_AT));
                }
                Ok(Connection {
                    client: here.client(self.key.as_deref())?,
                    here: Some(here),
                })
            }
            Err(ServeError::Open(held @ OpenError::Held { .. })) => {
                let Some(server) = served_at(folder) else {
                    return Err(ServeError::Open(held).into());
                };
                Connection::over_network(server, self.key.as_deref())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What a variable of the environment is set to.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A URL that a server can be at.
///
/// # Errors
/// What would be right.
pub(crate) fn server(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_http || !url.username().is_empty() || url.password().is_some() {
        return Err("give an http or https URL without credentials".to_owned());
    }
    Ok(url)
}

/// A client of the Assetmill at this URL.
pub(crate) fn over_network(server: Url, key: Option<&str>) -> Result<Client, CliError> {
    let network = Network::new().map_err(CliError::Network)?;
    Ok(Client::new(server, key, Arc::new(network))?)
}

/// The file in which a program that serves says where.
const SERVED_AT: &str = "served-at";

/// Where the program is that holds a folder.
fn served_at(folder: &Path) -> Option<Url> {
    let text = std::fs::read_to_string(folder.join(SERVED_AT)).ok()?;
    text.trim().parse().ok()
}

/// Says where the program is that holds a folder, to commands of its owner on it. Whoever holds it next says so anew.
pub(crate) fn say_where(folder: &Path, public_url: &Url) -> io::Result<()> {
    // Such a file is its owner's alone from the beginning, and never half written.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{public_url}")?;
    file.persist(folder.join(SERVED_AT))?;
    Ok(())
}
