//! `assetmill retry`: failures are run again.

use std::io::{self, Write as _};

use clap::{ArgGroup, Args};
use serde::Deserialize;

use super::meant::{Act, ended, given, yes};
use super::print::{clean, json_line, many, understood};
use super::since::Since;
use super::{CliError, Ended, Remote};
use crate::config::Config;

/// Runs failures again.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true))]
pub struct RetryCommand {
    /// These flows.
    #[arg(group = "which", value_name = "FLOW")]
    flows: Vec<String>,

    /// Those of one batch.
    #[arg(long, group = "which", value_name = "ID", conflicts_with = "flows")]
    batch: Option<String>,

    /// All that failed, of whichever batches.
    #[arg(long, group = "which")]
    failed: bool,

    /// Those that failed with this code, such as `source_timeout`.
    #[arg(long, group = "which")]
    code: Option<String>,

    /// Those of this group of failures, as the console and the API show them.
    #[arg(long, group = "which", value_name = "ID")]
    group: Option<String>,

    /// Those of this operation.
    #[arg(long, group = "which")]
    operation: Option<String>,

    /// Those that failed then or later: a time, or how long ago (90m, 24h, 7d).
    #[arg(long, group = "which", value_name = "WHEN")]
    since: Option<Since>,

    /// Those whose asset's URL has this in it.
    #[arg(long, group = "which", value_name = "TEXT")]
    url: Option<String>,

    /// Tells how many that are, and starts nothing.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    remote: Remote,
}

/// What was started, of one batch or of several.
#[derive(Deserialize)]
struct Started {
    digital_asset_count: u32,
    /// Absent where one is asked about, which has the next two.
    batches: Option<Vec<NewBatch>>,
    batch_id: Option<String>,
    retry_of: Option<String>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default = "yes")]
    complete: bool,
}

#[derive(Deserialize)]
struct NewBatch {
    batch_id: Option<String>,
    retry_of: String,
    digital_asset_count: u32,
}

pub(super) async fn run(config: &Config, command: &RetryCommand) -> Result<Ended, CliError> {
    let connection = command.remote.connect(config).await?;
    let act = Act {
        what: "retry",
        batch: command.batch.as_deref(),
        flows: &command.flows,
        filter: given([
            ("state", command.failed.then(|| "FAILED".to_owned())),
            ("code", command.code.clone()),
            ("group", command.group.clone()),
            ("operation", command.operation.clone()),
            ("since", command.since.map(Since::text)),
            ("url", command.url.clone()),
        ]),
        dry_run: command.dry_run,
    };
    // One for as long as the command lives: what is sent again starts nothing more.
    let key = uuid::Uuid::now_v7().to_string();
    let told = act.run(&connection.client, Some(&key)).await?;
    let mut out = io::stdout().lock();
    let started: Started = understood(told.clone())?;
    if command.remote.json {
        json_line(&mut out, &told)?;
    } else {
        tell(&mut out, &started)?;
        if let Some(here) = &connection.here
            && !started.dry_run
            && here.is_of_a_folder()
        {
            writeln!(
                io::stderr(),
                "Nothing works on it yet: `assetmill watch` with its id does, and so does `assetmill`, which serves."
            )?;
        }
    }
    Ok(ended(started.complete)?)
}

fn tell(out: &mut impl io::Write, started: &Started) -> io::Result<()> {
    let flows = |count| many(count, "flow");
    if started.dry_run {
        let count = flows(started.digital_asset_count);
        writeln!(out, "{count} would be run again; nothing was started.")?;
    }
    let of_one = match (&started.batch_id, &started.retry_of) {
        (Some(new), Some(old)) if !started.dry_run => vec![(new, old, started.digital_asset_count)],
        _ => Vec::new(),
    };
    let of_several = started.batches.iter().flatten();
    let of_several = of_several
        .filter_map(|it| Some((it.batch_id.as_ref()?, &it.retry_of, it.digital_asset_count)));
    for (new, old, count) in of_one.into_iter().chain(of_several) {
        let (new, old) = (clean(new), clean(old));
        writeln!(out, "{new}  {} of {old} again", flows(count))?;
    }
    Ok(())
}
