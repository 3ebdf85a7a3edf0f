//! `assetmill webhook deliveries`: what an endpoint was told.

use std::io::{self, Write as _};

use assetmill_core::DeliveryStanding;
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

    /// Only what stands so: PENDING, DELIVERED or `GIVEN_UP`.
    #[arg(long)]
    state: Option<DeliveryStanding>,

    #[command(flatten)]
    remote: Remote,
}

/// Something that an endpoint was told.
#[derive(Deserialize)]
pub(super) struct Delivery {
    #[serde(rename = "delivery_id")]
    pub(super) id: String,
    event: String,
    state: String,
    created_at: Timestamp,
    next_attempt_at: Option<Timestamp>,
    #[serde(default)]
    attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
struct Attempt {
    status: Option<u16>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    deliveries: Vec<Value>,
    next_cursor: Option<String>,
}

pub(super) async fn run(config: &Config, command: &DeliveriesCommand) -> Result<Ended, CliError> {
    let client = command.remote.connect(config).await?.client;
    let path = format!("api/v2/webhooks/{}/deliveries", segment(&command.endpoint));
    let mut out = io::stdout().lock();
    let mut rows = Vec::new();
    let mut left = command.limit;
    let mut cursor: Option<String> = None;
    while left > 0 {
        let limit = left.min(PAGE).to_string();
        let state = command.state.map(|state| ("state", state.as_str()));
        let from = cursor.as_deref().map(|cursor| ("cursor", cursor));
        let query = [("limit", &*limit)].into_iter().chain(state).chain(from);
        let page: Page = client.get(&path, &query.collect::<Vec<_>>()).await?;
        for delivery in page.deliveries {
            left = left.saturating_sub(1);
            if command.remote.json {
                json_line(&mut out, &delivery)?;
            } else {
                rows.push(row(&understood(delivery)?));
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if command.remote.json {
        return Ok(Ended::Well);
    }
    if rows.is_empty() {
        let none = match command.state {
            Some(state) => format!("Nothing in its log is {}.", state.as_str()),
            None => "It was told nothing yet.".to_owned(),
        };
        writeln!(io::stderr(), "{none}")?;
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
