//! `assetmill watch`: how batches are doing, until they are done.

mod progress;

use std::io::{self, Write};

use assetmill_client::{BatchRow, Client, FailureGroup, FlowRow};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use self::progress::Progress;
use super::batches::counts;
use super::flow::reasons;
use super::meanwhile::{Pace, working};
use super::print::{clean, json_line, segment, understood};
use super::{CliError, Ended, Remote};
use crate::config::Config;

/// Of how many flows that wait is told for what.
const LOOKED_AT: &str = "100";

/// Follows batches.
#[derive(Debug, Clone, Args)]
pub struct WatchCommand {
    /// The batches.
    #[arg(required = true, value_name = "BATCH")]
    batches: Vec<String>,

    #[command(flatten)]
    remote: Remote,
}

/// A batch that is watched, as it was told last.
struct Watched {
    path: String,
    told: Value,
    batch: BatchRow,
    failures: Vec<FailureGroup>,
    waits: Vec<FlowRow>,
}

#[derive(Deserialize)]
struct Failures {
    groups: Vec<FailureGroup>,
}

#[derive(Deserialize)]
struct Flows {
    flows: Vec<FlowRow>,
}

pub(super) async fn run(config: &Config, command: &WatchCommand) -> Result<Ended, CliError> {
    let connection = command.remote.connect(config).await?;
    let client = connection.client;
    let progress = Progress::begin();
    let watched = working(connection.here, follow(&client, command, &progress)).await;
    progress.end();
    let Some(watched) = watched? else {
        let again = command.batches.iter().map(|id| clean(id));
        let again = again.collect::<Vec<_>>().join(" ");
        writeln!(
            io::stderr(),
            "Interrupted; `assetmill watch {again}` goes on."
        )?;
        return Ok(Ended::Interrupted);
    };
    let mut out = io::stdout().lock();
    for watched in &watched {
        if command.remote.json {
            json_line(&mut out, &watched.told)?;
        } else {
            writeln!(out, "{}", line(watched))?;
        }
    }
    if watched.iter().all(|watched| watched.batch.is_completed()) {
        return Ok(Ended::Well);
    }
    if !command.remote.json {
        for watched in watched.iter().filter(|it| it.batch.counts.failed > 0) {
            let id = clean(&watched.batch.batch_id);
            writeln!(
                io::stderr(),
                "To run again what failed: assetmill retry --batch {id}"
            )?;
        }
    }
    Ok(Ended::SomeFailed)
}

/// The batches, once all of their flows are settled.
async fn follow(
    client: &Client,
    command: &WatchCommand,
    progress: &Progress,
) -> Result<Vec<Watched>, CliError> {
    let mut all = Vec::new();
    for id in &command.batches {
        all.push(Watched::of(client, id).await?);
    }
    let mut pace = Pace::begin();
    loop {
        for watched in &mut all {
            watched.explain(client, progress.is_shown()).await?;
        }
        progress.show(&all);
        if all.iter().all(|watched| watched.batch.is_settled()) {
            return Ok(all);
        }
        let before = settled(&all);
        for watched in all.iter_mut().filter(|it| !it.batch.is_settled()) {
            watched.look(client).await?;
        }
        pace.next(settled(&all) > before).await;
    }
}

fn settled(all: &[Watched]) -> u32 {
    all.iter().map(|watched| watched.batch.settled()).sum()
}

impl Watched {
    async fn of(client: &Client, id: &str) -> Result<Self, CliError> {
        let path = format!("api/v2/batches/{}", segment(id));
        let told = head(client, &path).await?;
        Ok(Self {
            path,
            batch: understood(told.clone())?,
            told,
            failures: Vec::new(),
            waits: Vec::new(),
        })
    }

    async fn look(&mut self, client: &Client) -> Result<(), CliError> {
        self.told = head(client, &self.path).await?;
        self.batch = understood(self.told.clone())?;
        Ok(())
    }

    /// Asks why flows failed, and while somebody looks, for what others wait.
    async fn explain(&mut self, client: &Client, shown: bool) -> Result<(), CliError> {
        let settled = self.batch.is_settled();
        let known: u32 = self.failures.iter().map(|group| group.count).sum();
        if known < self.batch.counts.failed && (shown || settled) {
            let path = format!("{}/failures", self.path);
            self.failures = client.get::<Failures>(&path, &[]).await?.groups;
        }
        self.waits.clear();
        if shown && !settled && self.batch.counts.pending > 0 {
            let query = [("state", "PENDING"), ("limit", LOOKED_AT)];
            self.waits = client.get::<Flows>(&self.path, &query).await?.flows;
        }
        Ok(())
    }

    /// How many failed with each code, those with the most first.
    fn codes(&self) -> Vec<(String, u32)> {
        summed(self.failures.iter().map(|it| (&*it.code, it.count)))
    }

    /// How many wait for each reason that is told of those that were looked at.
    fn reasons(&self) -> Vec<(String, u32)> {
        let reasons = self.waits.iter().filter_map(|flow| flow.waiting.as_ref());
        summed(reasons.map(|waiting| (reasons::in_short(&waiting.reason), 1)))
    }
}

/// The same without flows.
async fn head(client: &Client, path: &str) -> Result<Value, CliError> {
    let mut told: Value = client.get(path, &[("limit", "1")]).await?;
    if let Some(batch) = told.as_object_mut() {
        batch.remove("flows");
        batch.remove("next_cursor");
    }
    Ok(told)
}

fn summed<'a>(counted: impl Iterator<Item = (&'a str, u32)>) -> Vec<(String, u32)> {
    let mut sums: Vec<(String, u32)> = Vec::new();
    for (name, count) in counted {
        let name = clean(name);
        match sums.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += count,
            None => sums.push((name, count)),
        }
    }
    sums.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
    sums
}

/// Names with their numbers.
fn listed(sums: &[(String, u32)]) -> String {
    let each: Vec<_> = sums
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    each.join(", ")
}

fn line(watched: &Watched) -> String {
    let batch = &watched.batch;
    let codes = watched.codes();
    let why = match codes[..] {
        [] => String::new(),
        _ => format!(" ({})", listed(&codes)),
    };
    let took = batch
        .completed_at
        .map(|end| end.duration_since(batch.created_at).as_millis().max(0))
        .map(|took| format!(", in {}.{} s", took / 1_000, took % 1_000 / 100));
    format!(
        "{} {}: {}{why}{}",
        clean(&batch.batch_id),
        clean(&batch.status),
        counts(batch.counts, batch.digital_asset_count),
        took.unwrap_or_default()
    )
}
