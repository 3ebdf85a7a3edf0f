//! `assetmill webhook`: endpoints, what they were told, and one on this machine.

mod deliveries;
mod heard;
mod listen;
mod replay;

use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::print::{clean, json_line, second, segment, table, understood};
use super::{CliError, Ended, Remote};
use crate::config::Config;

/// What is done with endpoints.
#[derive(Debug, Clone, Subcommand)]
pub enum WebhookCommand {
    /// Listens on this machine: prints what comes, verifies it, and hands it on.
    Listen(listen::ListenCommand),
    /// Lists your endpoints.
    List(ListCommand),
    /// Makes an endpoint, and prints the secret that its payloads are signed with, once.
    Add(AddCommand),
    /// Gives an endpoint a new secret, and prints it, once; the one before signs too for 24 hours.
    Rotate(RotateCommand),
    /// Removes an endpoint, with its log.
    Remove(RemoveCommand),
    /// Lists what an endpoint was told, the latest first, and how it answered.
    Deliveries(deliveries::DeliveriesCommand),
    /// Has an endpoint told again.
    Replay(replay::ReplayCommand),
}

/// Lists endpoints.
#[derive(Debug, Clone, Args)]
pub struct ListCommand {
    #[command(flatten)]
    remote: Remote,
}

/// Makes an endpoint.
#[derive(Debug, Clone, Args)]
pub struct AddCommand {
    /// Where to post to: an http or https URL without credentials.
    url: String,

    /// What to tell it of; as often as needed.
    #[arg(
        long = "event",
        value_name = "EVENT",
        default_value = "batch.completed"
    )]
    events: Vec<String>,

    #[command(flatten)]
    remote: Remote,
}

/// Changes the secret of an endpoint.
#[derive(Debug, Clone, Args)]
pub struct RotateCommand {
    /// The endpoint; for that of a batch, the batch.
    endpoint: String,

    #[command(flatten)]
    remote: Remote,
}

/// Removes an endpoint.
#[derive(Debug, Clone, Args)]
pub struct RemoveCommand {
    /// The endpoint.
    endpoint: String,

    #[command(flatten)]
    remote: Remote,
}

#[derive(Deserialize)]
struct Endpoints {
    webhooks: Vec<Value>,
}

#[derive(Deserialize)]
struct Endpoint {
    webhook_id: String,
    url: String,
    events: Vec<String>,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct NewEndpoint {
    webhook_id: String,
    secret: String,
    old_secret_until: Option<Timestamp>,
}

pub(super) async fn run(config: &Config, command: &WebhookCommand) -> Result<Ended, CliError> {
    match command {
        WebhookCommand::Listen(command) => listen::run(command).await,
        WebhookCommand::List(command) => list(config, command).await,
        WebhookCommand::Add(command) => add(config, command).await,
        WebhookCommand::Rotate(command) => rotate(config, command).await,
        WebhookCommand::Remove(command) => remove(config, command).await,
        WebhookCommand::Deliveries(command) => deliveries::run(config, command).await,
        WebhookCommand::Replay(command) => replay::run(config, command).await,
    }
}

async fn list(config: &Config, command: &ListCommand) -> Result<Ended, CliError> {
    let client = command.remote.connect(config).await?.client;
    let all: Endpoints = client.get("api/v2/webhooks", &[]).await?;
    let mut out = io::stdout().lock();
    if command.remote.json {
        for endpoint in &all.webhooks {
            json_line(&mut out, endpoint)?;
        }
        return Ok(Ended::Well);
    }
    let mut rows = Vec::new();
    for endpoint in all.webhooks {
        let endpoint: Endpoint = understood(endpoint)?;
        let disabled = endpoint
            .disabled_at
            .map(|at| format!("disabled {}", second(at)));
        rows.push([
            endpoint.webhook_id,
            endpoint.url,
            endpoint.events.join(","),
            second(endpoint.created_at),
            disabled.unwrap_or_else(|| "told".to_owned()),
        ]);
    }
    if rows.is_empty() {
        writeln!(io::stderr(), "There are no endpoints.")?;
        return Ok(Ended::Well);
    }
    let heads = ["ENDPOINT", "URL", "EVENTS", "MADE", "STATE"];
    table(&mut out, heads, &rows)?;
    Ok(Ended::Well)
}

async fn add(config: &Config, command: &AddCommand) -> Result<Ended, CliError> {
    // Twice made would be told twice.
    let client = command.remote.connect(config).await?.client.impatient();
    let new = json!({ "url": command.url, "events": command.events });
    let made: Value = client.post("api/v2/webhooks", &[], &new, None).await?;
    tell_secret(made, command.remote.json)
}

async fn rotate(config: &Config, command: &RotateCommand) -> Result<Ended, CliError> {
    // Each change has one more secret sign; asked once, there is one.
    let client = command.remote.connect(config).await?.client.impatient();
    let path = format!("api/v2/webhooks/{}/rotate", segment(&command.endpoint));
    let rotated: Value = client.act(Method::POST, &path, &[], None).await?;
    tell_secret(rotated, command.remote.json)
}

fn tell_secret(endpoint: Value, as_json: bool) -> Result<Ended, CliError> {
    let mut out = io::stdout().lock();
    if as_json {
        json_line(&mut out, &endpoint)?;
        return Ok(Ended::Well);
    }
    let endpoint: NewEndpoint = understood(endpoint)?;
    let (id, secret) = (clean(&endpoint.webhook_id), clean(&endpoint.secret));
    writeln!(out, "Endpoint  {id}\nSecret    {secret}")?;
    writeln!(io::stderr(), "The secret is shown once.")?;
    if let Some(until) = endpoint.old_secret_until {
        let until = second(until);
        writeln!(io::stderr(), "The one before signs too until {until}.")?;
    }
    Ok(Ended::Well)
}

async fn remove(config: &Config, command: &RemoveCommand) -> Result<Ended, CliError> {
    let client = command.remote.connect(config).await?.client;
    let path = format!("api/v2/webhooks/{}", segment(&command.endpoint));
    let _: Value = client.act(Method::DELETE, &path, &[], None).await?;
    Ok(Ended::Well)
}
