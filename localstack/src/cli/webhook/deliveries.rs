//! `assetmill webhook deliveries`: what an endpoint was told.

use std::io::{self, Write as _};

use assetmill_client::Client;
use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::print::{json_line, second, segment, table, understood};
use crate::cli::{CliError, Ended, Remote};
use crate::config::Config;

/// The most deliveries of a page.
const PAGE: u32 = 50;

/// Lists what an endpoint was told.
#[derive(Debug, Clone, Args)]
pub struct DeliveriesCommand {
    /// The endpoint.
    endpoint: String,

    /// How many at the most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    #[command(flatten)]
    remote: Remote,
}

/// Something that an endpoint was told.
#[derive(Deserialize)]
pub(super) struct Delivery {
    #[serde(rename = "delivery_id")]
    pub(super) id: String,
    event: String,
    pub(super) state: String,
    pub(super) created_at: Timestamp,
    next_attempt_at: Option<Timestamp>,
    #[serde(default)]
    attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
struct Attempt {
    status: Option<u16>,
    error: Option<String>,
}

/// Pages of them, the latest first.
pub(super) struct Pages<'a> {
    client: &'a Client,
    path: String,
    cursor: Option<String>,
    ended: bool,
}

#[derive(Deserialize)]
struct Page {
    deliveries: Vec<Value>,
    next_cursor: Option<String>,
}

impl<'a> Pages<'a> {
    pub(super) fn of(client: &'a Client, endpoint: &str) -> Self {
        Self {
            client,
            path: format!("api/v2/webhooks/{}/deliveries", segment(endpoint)),
            cursor: None,
            ended: false,
        }
    }

    /// The next of at most so many; empty, and for the last time, after all.
    pub(super) async fn next(&mut self, most: u32) -> Result<Vec<Value>, CliError> {
        if self.ended {
            return Ok(Vec::new());
        }
        let limit = most.min(PAGE).to_string();
        let cursor = self.cursor.as_deref().map(|cursor| ("cursor", cursor));
        let query: Vec<_> = [("limit", &*limit)].into_iter().chain(cursor).collect();
        let page: Page = self.client.get(&self.path, &query).await?;
        self.ended = page.next_cursor.is_none();
        self.cursor = page.next_cursor;
        Ok(page.deliveries)
    }
}

pub(super) async fn run(config: &Config, command: &DeliveriesCommand) -> Result<Ended, CliError> {
    let client = command.remote.connect(config).await?.client;
    let mut out = io::stdout().lock();
    let mut pages = Pages::of(&client, &command.endpoint);
    let mut rows = Vec::new();
    let mut left = command.limit;
    while left > 0 {
        let page = pages.next(left).await?;
        if page.is_empty() {
            break;
        }
        for delivery in page {
            left = left.saturating_sub(1);
            if command.remote.json {
                json_line(&mut out, &delivery)?;
            } else {
                rows.push(row(&understood(delivery)?));
            }
        }
    }
    if command.remote.json {
        return Ok(Ended::Well);
    }
    if rows.is_empty() {
        writeln!(io::stderr(), "It was told nothing yet.")?;
        return Ok(Ended::Well);
    }
    let heads = [
        "DELIVERY",
        "EVENT",
        "STATE",
        "HAPPENED",
        "ATTEMPTS",
        "LAST ANSWER",
        "NEXT",
    ];
    table(&mut out, heads, &rows)?;
    Ok(Ended::Well)
}

fn row(delivery: &Delivery) -> [String; 7] {
    let last = delivery.attempts.last().map(|last| {
        let parts = [
            last.status.map(|status| status.to_string()),
            last.error.clone(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    });
    let none = || "-".to_owned();
    [
        delivery.id.clone(),
        delivery.event.clone(),
        delivery.state.clone(),
        second(delivery.created_at),
        delivery.attempts.len().to_string(),
        last.unwrap_or_else(none),
        delivery.next_attempt_at.map_or_else(none, second),
    ]
}
