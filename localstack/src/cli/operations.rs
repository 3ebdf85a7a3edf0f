//! `assetmill operations`: the catalogue.

use std::io::{self, Write as _};

use assetmill_client::Operation;
use clap::Args;
use serde_json::Value;

use super::print::{clean, json_line};
use super::{CliError, Ended, Remote};
use crate::config::Config;

/// Lists operations.
#[derive(Debug, Clone, Args)]
pub struct OperationsCommand {
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(config: &Config, command: &OperationsCommand) -> Result<Ended, CliError> {
    let client = command.remote.connect_anyway(config).await?.client;
    let mut out = io::stdout().lock();
    if command.remote.json {
        let answer: Value = client.get("api/v2/operations", &[]).await?;
        for operation in answer["operations"].as_array().into_iter().flatten() {
            json_line(&mut out, operation)?;
        }
        return Ok(Ended::Well);
    }
    for operation in client.operations().await?.operations {
        writeln!(out, "{}", line(&operation))?;
    }
    Ok(Ended::Well)
}

fn line(operation: &Operation) -> String {
    let cost = if operation.paid { "paid" } else { "free" };
    let lacks = operation
        .unavailable_reason
        .as_ref()
        .map(|reason| format!(" (can't run: {reason})"));
    clean(&format!(
        "{:24} {cost}  {}{}",
        operation.name,
        operation.summary,
        lacks.unwrap_or_default()
    ))
}
