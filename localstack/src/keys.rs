//! `assetmill key`: the keys of a file of callers. A key is shown once, when it is made; what is kept is its SHA-256.

mod file;
mod lifetime;

use std::io::{self, Write as _};
use std::path::PathBuf;

use assetmill_api::caller::edit::{NewKey, RevokeError, with_key, with_revoked};
use assetmill_api::{BadCallers, CallerTable, KeyDigest};
use assetmill_core::TenantId;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::Subcommand;
use jiff::Timestamp;

use crate::callers::CallersError;
use lifetime::Lifetime;

/// What keys begin with, so that whoever finds one knows what it is.
const PREFIX: &str = "am_";
/// The bytes of a key that are drawn: 256 bits, which nobody guesses.
const RANDOM_BYTES: usize = 32;

/// What is done with keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyCommand {
    /// Makes a key and prints it, once. Its SHA-256 goes into the file of callers; a program that has read the file
    /// takes the key within a second.
    Create {
        /// On whose behalf its holder calls; a tenant that is not there is made.
        tenant: TenantId,
        /// What logs call it; without it, the time at which it is made.
        #[arg(long)]
        name: Option<String>,
        /// How long it is taken: until a day or a time, such as 2027-01-01 or 2027-01-01T12:00:00Z, or for so many
        /// days, such as 90d.
        #[arg(long, value_name = "WHEN")]
        expires: Option<Lifetime>,
        /// For reading alone: its holder starts and stops nothing.
        #[arg(long)]
        read_only: bool,
        /// Changes no file, and prints the lines that stand for the key too: for a secret of AWS.
        #[arg(long)]
        print: bool,
    },
    /// Shows which keys there are.
    List,
    /// Has a key taken no more, from the next second on.
    Revoke {
        /// Whose.
        tenant: TenantId,
        /// What it is called.
        name: String,
    },
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be used.
    #[error(transparent)]
    Callers(#[from] CallersError),
    /// The file can't be written.
    #[error("{path} can't be written: {source}")]
    Write {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The key does not go into the file.
    #[error("the key can't be added: {0}")]
    Add(BadCallers),
    /// The key can't be revoked.
    #[error(transparent)]
    Revoke(#[from] RevokeError),
    /// The system has no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// Nothing can be printed.
    #[error(transparent)]
    Print(#[from] io::Error),
}

/// Does it with the file of callers at `path`.
///
/// # Errors
/// [`KeyError`] says why it did not.
pub fn run(path: PathBuf, command: &KeyCommand) -> Result<(), KeyError> {
    match command {
        KeyCommand::Create {
            tenant,
            name,
            expires,
            read_only,
            print,
        } => {
            let now = Timestamp::now();
            let key = draw()?;
            let new = NewKey {
                tenant: tenant.clone(),
                name: name.clone().unwrap_or_else(|| now.to_string()),
                digest: KeyDigest::of(&key),
                created: now,
                expires: expires.map(|lifetime| lifetime.end(now)),
                read_only: *read_only,
            };
            if *print {
                with_key("", &new).map_err(KeyError::Add)?;
                writeln!(io::stdout(), "{key}\n\n{}", new.lines().trim_end())?;
                return Ok(());
            }
            let was_there =
                file::change(&path, |text| with_key(text, &new).map_err(KeyError::Add))?;
            writeln!(io::stdout(), "{key}")?;
            let shown = path.display();
            let (tenant, name) = (&new.tenant, &new.name);
            writeln!(
                io::stderr(),
                "This is the key {name:?} of {tenant}, shown once: {shown} has its SHA-256 alone."
            )?;
            if !was_there {
                writeln!(
                    io::stderr(),
                    "The file is new: start the program again if it runs already, and it takes keys from now on."
                )?;
            }
            Ok(())
        }
        KeyCommand::List => {
            let text = crate::callers::read(&path)?;
            let callers = CallerTable::parse(&text);
            let callers = callers.map_err(|fault| CallersError::Broken { path, fault })?;
            Ok(list(&callers, Timestamp::now())?)
        }
        KeyCommand::Revoke { tenant, name } => {
            file::change(&path, |text| Ok(with_revoked(text, tenant, name)?))?;
            writeln!(io::stderr(), "The key {name:?} of {tenant} is revoked.")?;
            Ok(())
        }
    }
}

fn draw() -> Result<String, KeyError> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

fn list(callers: &CallerTable, now: Timestamp) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "TENANT\tNAME\tSHA-256\tSTATE")?;
    for (digest, key) in callers.keys() {
        let state = match (key.revoked, key.expires) {
            (true, _) => "revoked".to_owned(),
            (false, Some(end)) if end <= now => format!("expired {end}"),
            (false, Some(end)) => format!("expires {end}"),
            (false, None) => "taken".to_owned(),
        };
        let digest = digest.to_string();
        let beginning = digest.get(..12).unwrap_or_default();
        let role = if key.read_only { ", reads alone" } else { "" };
        writeln!(
            out,
            "{}\t{}\t{beginning}…\t{state}{role}",
            key.tenant, key.name
        )?;
    }
    Ok(())
}
