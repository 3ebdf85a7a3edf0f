//! `assetmill cancel`: what waits is stopped.

use std::io::{self, Write as _};

use clap::{ArgGroup, Args};
use serde::Deserialize;

use super::meant::{Act, ended, given, yes};
use super::print::{json_line, many, understood};
use super::{CliError, Ended, Remote};
use crate::config::Config;

/// Stops flows that wait. What is being processed goes on.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true))]
pub struct CancelCommand {
    /// These flows.
    #[arg(group = "which", value_name = "FLOW")]
    flows: Vec<String>,

    /// Those of one batch.
    #[arg(long, group = "which", value_name = "ID", conflicts_with = "flows")]
    batch: Option<String>,

    /// All that wait, of whichever batches.
    #[arg(long, group = "which")]
    pending: bool,

    /// Those of this operation.
    #[arg(long, group = "which")]
    operation: Option<String>,

    /// Those whose asset's URL has this in it.
    #[arg(long, group = "which", value_name = "TEXT")]
    url: Option<String>,

    /// Tells how many that are, and stops none.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    remote: Remote,
}

/// What was stopped.
#[derive(Deserialize)]
struct Stopped {
    cancelled: u32,
    #[serde(default)]
    dry_run: bool,
    #[serde(default = "yes")]
    complete: bool,
}

pub(super) async fn run(config: &Config, command: &CancelCommand) -> Result<Ended, CliError> {
    let client = command.remote.connect(config).await?.client;
    let act = Act {
        what: "cancel",
        batch: command.batch.as_deref(),
        flows: &command.flows,
        filter: given([
            ("state", command.pending.then(|| "PENDING".to_owned())),
            ("operation", command.operation.clone()),
            ("url", command.url.clone()),
        ]),
        dry_run: command.dry_run,
    };
    let told = act.run(&client, None).await?;
    let stopped: Stopped = understood(told.clone())?;
    let mut out = io::stdout().lock();
    if command.remote.json {
        json_line(&mut out, &told)?;
    } else {
        let flows = many(stopped.cancelled, "flow");
        if stopped.dry_run {
            writeln!(out, "{flows} would be stopped; none was.")?;
        } else {
            writeln!(out, "{flows} stopped.")?;
        }
    }
    Ok(ended(stopped.complete)?)
}
