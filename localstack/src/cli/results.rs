//! `assetmill results`: the flows of a batch, one JSON object a line.

use std::collections::HashSet;
use std::io::{self, Write};

use assetmill_client::{BatchRow, Client};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::meanwhile::{Pace, working};
use super::print::{json_line, segment};
use super::{CliError, Ended, Remote};
use crate::config::Config;

/// The most flows of a page.
const PAGE: &str = "1000";
/// Every flow that is settled has been since then.
const EVER: &str = "1970-01-01T00:00:00Z";
/// How late a flow may be seen that has settled. The last look is at all of them anyway.
const LATE: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

/// Lists the flows of a batch.
#[derive(Debug, Clone, Args)]
pub struct ResultsCommand {
    /// The batch.
    batch: String,

    /// Tells each flow once, when it has settled, until all are.
    #[arg(long)]
    follow: bool,

    /// Only flows in this state, such as FAILED.
    #[arg(long)]
    state: Option<String>,

    /// Only flows that failed with this code, such as `source_not_found`.
    #[arg(long)]
    code: Option<String>,

    #[command(flatten)]
    remote: Remote,
}

/// A batch with some of its flows.
#[derive(Deserialize)]
struct Page {
    #[serde(flatten)]
    batch: BatchRow,
    flows: Vec<Value>,
    next_cursor: Option<String>,
}

pub(super) async fn run(config: &Config, command: &ResultsCommand) -> Result<Ended, CliError> {
    let connection = command.remote.connect(config).await?;
    let client = connection.client;
    let mut out = io::stdout().lock();
    if !command.follow {
        each(&client, command, None, |flow| {
            Ok(json_line(&mut out, flow)?)
        })
        .await?;
        return Ok(Ended::Well);
    }
    let followed = working(connection.here, follow(&client, command, &mut out)).await?;
    Ok(match followed {
        None => Ended::Interrupted,
        Some(batch) if batch.is_completed() => Ended::Well,
        Some(_) => Ended::SomeFailed,
    })
}

/// Tells flows as they settle; the batch, once all are.
async fn follow(
    client: &Client,
    command: &ResultsCommand,
    out: &mut impl Write,
) -> Result<BatchRow, CliError> {
    let mut told = HashSet::new();
    let (mut latest, mut since) = (None, EVER.to_owned());
    let mut pace = Pace::begin();
    loop {
        let before = told.len();
        let batch = each(client, command, Some(&since), |flow| {
            let id = flow["flow_id"].as_str().unwrap_or_default();
            if told.insert(id.to_owned()) {
                json_line(out, flow)?;
                out.flush()?;
            }
            let settled_at = flow["settled_at"].as_str().and_then(|at| at.parse().ok());
            latest = latest.max(settled_at);
            Ok(())
        });
        let batch = batch.await?;
        if batch.is_settled() {
            if since == EVER {
                return Ok(batch);
            }
            EVER.clone_into(&mut since);
            continue;
        }
        let looked_back = latest.and_then(|at: jiff::Timestamp| at.checked_sub(LATE).ok());
        since = looked_back.map_or_else(|| EVER.to_owned(), |at| at.to_string());
        pace.next(told.len() > before).await;
    }
}

/// Does something with each flow that is meant; the batch, as it was before they were read.
async fn each(
    client: &Client,
    command: &ResultsCommand,
    since: Option<&str>,
    mut tell: impl FnMut(&Value) -> Result<(), CliError>,
) -> Result<BatchRow, CliError> {
    let path = format!("api/v2/batches/{}", segment(&command.batch));
    let (mut first, mut cursor) = (None, None::<String>);
    loop {
        let query: Vec<_> = [
            ("limit", Some(PAGE)),
            ("state", command.state.as_deref()),
            ("code", command.code.as_deref()),
            ("since", since),
            ("cursor", cursor.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        let page: Page = client.get(&path, &query).await?;
        page.flows.iter().try_for_each(&mut tell)?;
        let batch = first.get_or_insert(page.batch);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(batch.clone());
        }
    }
}
