//! `assetmill login`: a server and a key under a name.

mod echo;

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use clap::Args;
use console::Term;
use serde_json::Value;
use url::Url;

use self::echo::Echo;
use super::print::{clean, is_loopback};
use super::profiles::{Profile, Profiles};
use super::remote::{over_network, server};
use super::{CliError, Ended};
use crate::signals;

/// No key is longer, in bytes.
const LONGEST_KEY: u64 = 8 * 1024;

/// Keeps a server and a key under a name.
#[derive(Debug, Clone, Args)]
pub struct LoginCommand {
    /// The server, such as <https://assets.example.com>.
    #[arg(value_parser = server)]
    url: Url,

    /// What to call it: --profile takes the name.
    #[arg(long, value_name = "NAME", default_value = "default")]
    profile: String,
}

pub(super) async fn run(command: &LoginCommand) -> Result<Ended, CliError> {
    let server = command.url.clone();
    // A file that is broken is told of before anybody is asked for a secret.
    let profiles = Profiles::read()?;
    if server.scheme() == "http" && !is_loopback(&server) {
        let said = "Others on the way can read the key: the URL is not one of https.";
        writeln!(io::stderr(), "{said}")?;
    }
    let Some(key) = read_key(&server).await? else {
        return Ok(Ended::Interrupted);
    };
    let key = Some(key.trim().to_owned()).filter(|key| !key.is_empty());
    let client = over_network(server.clone(), key.as_deref())?.impatient();
    let _: Value = client.get("api/v2/batches", &[("limit", "1")]).await?;
    let path = profiles.keep(&command.profile, Profile { server, key })?;
    let name = clean(&command.profile);
    writeln!(
        io::stderr(),
        "The server takes it. It is kept in {}: use it with --profile {name}, or ASSETMILL_PROFILE={name}.",
        path.display()
    )?;
    Ok(Ended::Well)
}

/// The key, from somebody who is asked, or from a pipe, empty where there is none; `None` where it was interrupted.
async fn read_key(server: &Url) -> io::Result<Option<String>> {
    if !io::stdin().is_terminal() {
        let mut text = String::new();
        io::stdin().take(LONGEST_KEY).read_to_string(&mut text)?;
        return Ok(Some(text));
    }
    let asked = format!(
        "Key for {} (empty if it needs none): ",
        clean(server.as_str())
    );
    let echo = Echo::now();
    let typed = tokio::task::spawn_blocking(move || {
        let terminal = Term::stderr();
        terminal.write_str(&asked)?;
        terminal.read_secure_line()
    });
    let stop = signals::stop()?;
    tokio::select! {
        biased;
        () = stop => {
            // Who asks is still about to read, and has it off.
            echo.restore();
            Ok(None)
        }
        typed = typed => typed.map_err(io::Error::other)?.map(Some),
    }
}
