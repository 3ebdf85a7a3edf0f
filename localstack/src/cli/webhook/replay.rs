//! `assetmill webhook replay`: an endpoint is told again.

use std::io::{self, Write as _};

use assetmill_client::Client;
use clap::{ArgGroup, Args};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::deliveries::Delivery;
use crate::cli::meant::given;
use crate::cli::print::{clean, json_line, segment, understood};
use crate::cli::since::Since;
use crate::cli::{CliError, Ended, Remote};
use crate::config::Config;

/// Has an endpoint told again: each with its id, signed anew.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true))]
pub struct ReplayCommand {
    /// The endpoint; for that of a batch, the batch.
    endpoint: String,

    /// These deliveries.
    #[arg(group = "which", value_name = "DELIVERY", conflicts_with_all = ["given_up", "since", "until", "dry_run"])]
    deliveries: Vec<String>,

    /// Those that were given up.
    #[arg(long, group = "which")]
    given_up: bool,

    /// Those of what happened then or later: a time, or how long ago (90m, 24h, 7d).
    #[arg(long, group = "which", value_name = "WHEN")]
    since: Option<Since>,

    /// Those of what happened then or before.
    #[arg(long, group = "which", value_name = "WHEN")]
    until: Option<Since>,

    /// Tells how many that are, and sends nothing.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    remote: Remote,
}

#[derive(Deserialize)]
struct Replayed {
    replayed: u64,
    next_cursor: Option<String>,
}

pub(super) async fn run(config: &Config, command: &ReplayCommand) -> Result<Ended, CliError> {
    let connection = command.remote.connect(config).await?;
    if command.deliveries.is_empty() {
        replay_all(&connection.client, command).await?;
    } else {
        replay_each(&connection.client, command).await?;
    }
    if let Some(here) = &connection.here
        && !command.remote.json
        && !command.dry_run
        && here.is_of_a_folder()
    {
        writeln!(io::stderr(), "Nobody tells it until `assetmill` serves.")?;
    }
    Ok(Ended::Well)
}

async fn replay_each(client: &Client, command: &ReplayCommand) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let endpoint = segment(&command.endpoint);
    for delivery in &command.deliveries {
        let delivery = segment(delivery);
        let path = format!("api/v2/webhooks/{endpoint}/deliveries/{delivery}/replay");
        let told: Value = client.act(Method::POST, &path, &[], None).await?;
        if command.remote.json {
            json_line(&mut out, &told)?;
        } else {
            let told: Delivery = understood(told)?;
            writeln!(out, "{} is to be told again.", clean(&told.id))?;
        }
    }
    Ok(())
}

/// Goes on until the server looked at all of them.
async fn replay_all(client: &Client, command: &ReplayCommand) -> Result<(), CliError> {
    let path = format!("api/v2/webhooks/{}/replay", segment(&command.endpoint));
    let filter = given([
        ("state", command.given_up.then(|| "GIVEN_UP".to_owned())),
        ("since", command.since.map(Since::text)),
        ("until", command.until.map(Since::text)),
        ("dry_run", command.dry_run.then(|| "true".to_owned())),
    ]);
    let mut replayed = 0;
    let mut cursor: Option<String> = None;
    loop {
        let from = cursor.as_deref().map(|cursor| ("cursor", cursor));
        let query = filter.iter().map(|(name, value)| (*name, &**value));
        let query: Vec<_> = query.chain(from).collect();
        let told: Replayed = client.act(Method::POST, &path, &query, None).await?;
        replayed += told.replayed;
        cursor = told.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut out = io::stdout().lock();
    if command.remote.json {
        let told = json!({ "replayed": replayed, "dry_run": command.dry_run });
        json_line(&mut out, &told)?;
        return Ok(());
    }
    let deliveries = if replayed == 1 {
        "1 delivery".to_owned()
    } else {
        format!("{replayed} deliveries")
    };
    if command.dry_run {
        writeln!(out, "{deliveries} would be told again; nothing was sent.")?;
    } else {
        writeln!(out, "{deliveries} to be told again.")?;
    }
    Ok(())
}
