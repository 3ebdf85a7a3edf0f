//! `assetmill login`: a server and a key under a name.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use clap::Args;
use console::Term;
use serde_json::Value;
use url::Url;

use super::print::{clean, is_loopback};
use super::profiles::{Profile, Profiles};
use super::remote::{over_network, server};
use super::{CliError, Ended};

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
    let key = read_key(&server)?;
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

/// The key, from somebody who is asked, or from a pipe; `None` where there is none.
fn read_key(server: &Url) -> io::Result<Option<String>> {
    let key = if io::stdin().is_terminal() {
        let terminal = Term::stderr();
        let asked = format!(
            "Key for {} (empty if it needs none): ",
            clean(server.as_str())
        );
        terminal.write_str(&asked)?;
        terminal.read_secure_line()?
    } else {
        let mut text = String::new();
        io::stdin().take(LONGEST_KEY).read_to_string(&mut text)?;
        text
    };
    let key = key.trim();
    Ok((!key.is_empty()).then(|| key.to_owned()))
}
