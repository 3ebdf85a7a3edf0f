//! `assetmill webhook replay`: an endpoint is told again.

use std::io::{self, Write as _};

use clap::{ArgGroup, Args};
use http::Method;
use serde_json::Value;

use super::deliveries::{Delivery, Pages};
use crate::cli::print::{clean, json_line, segment, understood};
use crate::cli::since::Since;
use crate::cli::{CliError, Ended, Remote};
use crate::config::Config;

/// Has an endpoint told again: each with its id, signed anew.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true))]
pub struct ReplayCommand {
    /// The endpoint.
    endpoint: String,

    /// These deliveries.
    #[arg(group = "which", value_name = "DELIVERY")]
    deliveries: Vec<String>,

    /// All that were given up.
    #[arg(long, group = "which", conflicts_with = "deliveries")]
    given_up: bool,

    /// All of what happened then or later: a time, or how long ago (90m, 24h, 7d).
    #[arg(
        long,
        group = "which",
        value_name = "WHEN",
        conflicts_with = "deliveries"
    )]
    since: Option<Since>,

    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(config: &Config, command: &ReplayCommand) -> Result<Ended, CliError> {
    let connection = command.remote.connect(config).await?;
    let client = &connection.client;
    let mut deliveries = command.deliveries.clone();
    if deliveries.is_empty() {
        // All are known before the first is sent: what is told meanwhile moves none of them.
        deliveries = meant(command, Pages::of(client, &command.endpoint)).await?;
    }
    let mut out = io::stdout().lock();
    let endpoint = segment(&command.endpoint);
    for delivery in &deliveries {
        let delivery = segment(delivery);
        let path = format!("api/v2/webhooks/{endpoint}/deliveries/{delivery}/replay");
        let told: Value = client.act(Method::POST, &path, &[], None).await?;
        if command.remote.json {
            json_line(&mut out, &told)?;
        } else {
            let told: Delivery = understood(told)?;
            writeln!(out, "{}", clean(&told.id))?;
        }
    }
    if !command.remote.json {
        writeln!(io::stderr(), "To be told again: {}.", deliveries.len())?;
        if let Some(here) = &connection.here
            && here.is_of_a_folder()
        {
            writeln!(io::stderr(), "Nobody tells it until `assetmill` serves.")?;
        }
    }
    Ok(Ended::Well)
}

async fn meant(command: &ReplayCommand, mut pages: Pages<'_>) -> Result<Vec<String>, CliError> {
    let mut meant = Vec::new();
    loop {
        let page = pages.next(u32::MAX).await?;
        if page.is_empty() {
            return Ok(meant);
        }
        for delivery in page {
            let delivery: Delivery = understood(delivery)?;
            let in_time = (command.since).is_none_or(|since| since.is_before(delivery.created_at));
            if in_time && (!command.given_up || delivery.state == "GIVEN_UP") {
                meant.push(delivery.id);
            }
        }
    }
}
