//! What an Assetmill says of itself.

use std::io;

use assetmill_client::{Client, ClientError};
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::report::Report;
use crate::cli::print::second;

#[derive(Deserialize)]
struct Ready {
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct Endpoints {
    webhooks: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    webhook_id: String,
    url: String,
    disabled_at: Option<Timestamp>,
}

/// Whether what it depends on answers. `todo` is what to do where it does not.
pub(super) async fn is_ready(
    report: &mut Report,
    client: &Client,
    check: &str,
    well: &str,
    todo: &str,
) -> io::Result<bool> {
    let ready: Result<Ready, _> = client.get("health/ready", &[]).await;
    match ready {
        Ok(ready) => {
            let said = format!("{well}: {} answer", ready.dependencies.join(", "));
            report.ok(check, &said)?;
            Ok(true)
        }
        Err(error) => {
            report.wrong(check, &said(&error), todo)?;
            Ok(false)
        }
    }
}

/// Whether the caller is known.
pub(super) async fn is_known(
    report: &mut Report,
    client: &Client,
    has_key: bool,
) -> io::Result<bool> {
    let asked: Result<Value, _> = client.get("api/v2/batches", &[("limit", "1")]).await;
    match asked {
        Ok(_) if has_key => report.ok("key", "is taken")?,
        Ok(_) => report.ok("key", "none is given, and none is needed")?,
        Err(error) => {
            let todo = "ask the operator for a key (`assetmill key create`), and give it to `assetmill login`";
            report.wrong("key", &said(&error), todo)?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the caller may start and stop anything. It is asked for what does nothing.
pub(super) async fn may_write(report: &mut Report, client: &Client) -> io::Result<()> {
    let asked: Result<Value, _> = client
        .act(Method::POST, "api/v2/flows/cancel", &[], None)
        .await;
    let code = match &asked {
        Err(error) => error.problem().map(|problem| &*problem.code),
        Ok(_) => None,
    };
    match code {
        Some("nothing_selected") => report.ok("key", "may start and stop flows"),
        Some("read_only_key") => {
            let todo = "nothing, if it is to read; else ask for a key that may do more";
            report.note("key", "is for reading alone", todo)
        }
        _ => Ok(()),
    }
}

/// Which operations can't run there.
pub(super) async fn operations(report: &mut Report, client: &Client) -> io::Result<()> {
    let all = match client.operations().await {
        Ok(all) => all.operations,
        Err(error) => {
            return report.wrong("operations", &said(&error), "try again later");
        }
    };
    report.ok("operations", &format!("there are {}", all.len()))?;
    let lacking = all.into_iter().filter(|operation| !operation.available);
    let lacking: Vec<_> = lacking.map(|operation| operation.name).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    self::lacking(report, "operations", &lacking)
}

/// Tells of operations that may be meant to lack what they lack.
pub(super) fn lacking(report: &mut Report, check: &str, names: &[String]) -> io::Result<()> {
    let said = format!("{} can't run: {}", names.len(), names.join(", "));
    let todo = "nothing, unless one is to run: `assetmill operations` says what each lacks";
    report.note(check, &said, todo)
}

/// Which endpoints are told nothing any more.
pub(super) async fn endpoints(report: &mut Report, client: &Client) -> io::Result<()> {
    let all: Result<Endpoints, _> = client.get("api/v2/webhooks", &[]).await;
    let all = match all {
        Ok(all) => all.webhooks,
        Err(error) if is_unauthorized(&error) => {
            let todo = "give a key with --key or ASSETMILL_KEY";
            return report.note("webhooks", "were not looked at: that needs a key", todo);
        }
        Err(error) => return report.wrong("webhooks", &said(&error), "try again later"),
    };
    let disabled = all.iter().filter_map(|it| Some((it, it.disabled_at?)));
    let mut any = false;
    for (endpoint, at) in disabled {
        any = true;
        let Endpoint {
            webhook_id, url, ..
        } = endpoint;
        let said = format!(
            "{webhook_id} at {url} is told nothing since {}: it answered 410",
            second(at)
        );
        let todo = format!(
            "if it is to be told: `assetmill webhook remove {webhook_id}`, and `assetmill webhook add` again"
        );
        report.wrong("webhook", &said, &todo)?;
    }
    if any {
        return Ok(());
    }
    report.ok(
        "webhooks",
        &format!("{} endpoints, none disabled", all.len()),
    )
}

fn is_unauthorized(error: &ClientError) -> bool {
    error.problem().is_some_and(|problem| problem.status == 401)
}

fn said(error: &ClientError) -> String {
    error.to_string()
}
