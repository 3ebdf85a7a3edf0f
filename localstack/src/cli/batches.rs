//! `assetmill batches`: what was started.

use std::io::{self, Write as _};

use assetmill_client::{BatchRow, Client, Counts};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::print::{json_line, second, table, understood};
use super::since::Since;
use super::{CliError, Ended, Remote};
use crate::config::Config;

/// As many as a page has at the most.
const MOST_OF_A_PAGE: u32 = 100;

/// Lists batches.
#[derive(Debug, Clone, Args)]
pub struct BatchesCommand {
    /// Only those whose name has this in it.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,

    /// Only those with this label; with several, all of them.
    #[arg(long = "label", value_name = "KEY:VALUE")]
    labels: Vec<String>,

    /// Only those of this operation.
    #[arg(long)]
    operation: Option<String>,

    /// Only those that were accepted then or later: a time, or how long ago (90m, 24h, 7d).
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,

    /// How many at the most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    #[command(flatten)]
    remote: Remote,
}

/// A page of batches.
#[derive(Deserialize)]
struct Page {
    batches: Vec<Value>,
    next_cursor: Option<String>,
}

pub(super) async fn run(config: &Config, command: &BatchesCommand) -> Result<Ended, CliError> {
    let client = command.remote.connect(config).await?.client;
    let mut out = io::stdout().lock();
    let mut rows = Vec::new();
    let (mut left, mut cursor) = (command.limit, None);
    loop {
        let page = page(&client, command, left, cursor.as_deref()).await?;
        for batch in page.batches {
            left = left.saturating_sub(1);
            if command.remote.json {
                json_line(&mut out, &batch)?;
            } else {
                rows.push(row(&understood(batch)?));
            }
        }
        cursor = page.next_cursor;
        if left == 0 || cursor.is_none() {
            break;
        }
    }
    if rows.is_empty() {
        if !command.remote.json {
            writeln!(io::stderr(), "There are no such batches.")?;
        }
        return Ok(Ended::Well);
    }
    let heads = ["BATCH", "NAME", "OPERATION", "STATUS", "FLOWS", "ACCEPTED"];
    table(&mut out, heads, &rows)?;
    Ok(Ended::Well)
}

async fn page(
    client: &Client,
    command: &BatchesCommand,
    left: u32,
    cursor: Option<&str>,
) -> Result<Page, CliError> {
    let limit = left.min(MOST_OF_A_PAGE).to_string();
    let labels = command.labels.join(",");
    let since = command.since.map(Since::text);
    let labels = (!labels.is_empty()).then_some(labels);
    let query: Vec<_> = [
        ("limit", Some(&*limit)),
        ("cursor", cursor),
        ("name", command.name.as_deref()),
        ("labels", labels.as_deref()),
        ("operation", command.operation.as_deref()),
        ("since", since.as_deref()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    Ok(client.get("api/v2/batches", &query).await?)
}

fn row(batch: &BatchRow) -> [String; 6] {
    [
        batch.batch_id.clone(),
        batch.name.clone().unwrap_or_else(|| "-".to_owned()),
        batch.operation.clone(),
        batch.status.clone(),
        counts(batch.counts, batch.digital_asset_count),
        second(batch.created_at),
    ]
}

/// How far a batch is, in a few words.
pub(super) fn counts(counts: Counts, total: u32) -> String {
    let completed = format!("{} of {total} completed", counts.completed);
    let others = [
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
        (counts.running, "running"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, what)| format!("{count} {what}"));
    let all: Vec<_> = std::iter::once(completed).chain(others).collect();
    all.join(", ")
}
