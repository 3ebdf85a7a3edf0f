//! `assetmill flow`: one flow, explained.

mod advice;
pub(super) mod reasons;

use std::io::{self, Write};

use assetmill_client::{Event, FlowError, FlowState, FlowStory};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use self::advice::advice;
use super::print::{clean, json_line, many, second, segment, understood};
use super::{CliError, Ended, Remote};
use crate::config::Config;

/// Its acceptance, and as many as are kept of the first events where some are left out.
const FIRST: usize = 9;

/// Explains a flow.
#[derive(Debug, Clone, Args)]
pub struct FlowCommand {
    /// The flow.
    flow: String,

    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(config: &Config, command: &FlowCommand) -> Result<Ended, CliError> {
    let connection = command.remote.connect(config).await?;
    let client = connection.client;
    let path = format!("api/v2/transforms/{}", segment(&command.flow));
    let told: Value = client.get(&path, &[]).await?;
    let mut out = io::stdout().lock();
    if command.remote.json {
        json_line(&mut out, &told)?;
    } else {
        // Nobody is where URLs of this process lead to.
        let serves = connection.here.is_none_or(|here| !here.is_of_a_folder());
        explain(&mut out, &understood(told)?, serves, Timestamp::now())?;
    }
    Ok(Ended::Well)
}

/// `serves` is whether somebody answers at the URL of a result.
fn explain(out: &mut impl Write, flow: &FlowStory, serves: bool, now: Timestamp) -> io::Result<()> {
    let operation = format!("{}{}", flow.operation, params(flow));
    for (name, text) in [
        ("Flow", flow.flow_id.clone()),
        (
            "Batch",
            format!("{}, asset {}", flow.batch_id, flow.index + 1),
        ),
        ("Asset", flow.digital_asset_url.clone()),
        ("Operation", operation),
        ("State", state(flow)),
    ] {
        writeln!(out, "{name:10} {}", clean(&text))?;
    }
    if let Some(waiting) = &flow.waiting {
        let until = waiting.until.as_deref().and_then(|at| at.parse().ok());
        let until = until.map(|at: Timestamp| {
            let left = at.duration_since(now).as_secs().max(0);
            format!(", until {} (in {left} s)", second(at))
        });
        let reason = clean(reasons::in_words(&waiting.reason));
        writeln!(out, "{:10} {reason}{}", "Waits", until.unwrap_or_default())?;
    }
    if let Some(result) = &flow.result {
        let text = format!("{}, {} bytes", result.media_type, result.bytes);
        writeln!(out, "{:10} {}", "Result", clean(&text))?;
        if serves {
            writeln!(out, "{:10} {}", "", clean(&result.url))?;
        }
    }
    writeln!(out, "{:10} {}", "Money", money(flow))?;
    writeln!(out, "\nWhat happened, from {} on:", second(flow.created_at))?;
    history(out, flow)?;
    match &flow.error {
        Some(error) => mend(out, flow, error),
        None => Ok(()),
    }
}

fn params(flow: &FlowStory) -> String {
    let param = |(name, value): (&String, &Value)| match value {
        Value::Null => None,
        Value::String(text) => Some(format!(", {name}={text}")),
        value => Some(format!(", {name}={value}")),
    };
    flow.params.iter().filter_map(param).collect()
}

fn state(flow: &FlowStory) -> String {
    let word = match flow.state {
        FlowState::Pending if flow.waiting.is_some() => "PENDING: it waits",
        FlowState::Pending => "PENDING: it waits for a worker",
        FlowState::Running => "RUNNING: a worker is at it",
        FlowState::Completed => "COMPLETED: it has its result",
        FlowState::Failed => "FAILED: it will have no result",
        FlowState::Cancelled => "CANCELLED: somebody stopped it",
        FlowState::NotFound => "NOT_FOUND",
    };
    match flow.settled_at {
        Some(at) => format!("{word}, since {}", second(at)),
        None => word.to_owned(),
    }
}

fn money(flow: &FlowStory) -> String {
    let is_paid = |event: &&Event| event.cost.is_some();
    let paid = flow.history.events.iter().filter(is_paid).count();
    let paid = u32::try_from(paid).unwrap_or(u32::MAX);
    let at_least = match flow.history.left_out {
        0 => "",
        _ => "at least ",
    };
    let calls = match (paid, flow.history.left_out) {
        (0, 0) => "no paid call".to_owned(),
        _ => format!("{at_least}{}", many(paid, "paid call")),
    };
    match flow.unconfirmed_calls {
        0 => calls,
        unconfirmed => format!(
            "{calls}; of {} nobody knows whether it was charged",
            many(unconfirmed, "call")
        ),
    }
}

fn history(out: &mut impl Write, flow: &FlowStory) -> io::Result<()> {
    let events = &flow.history.events;
    let chained = events.iter().any(|event| event.step > 0);
    for (place, event) in events.iter().enumerate() {
        if place == FIRST && flow.history.left_out > 0 {
            let left_out = many(flow.history.left_out, "event");
            writeln!(out, "             … {left_out} left out …")?;
        }
        let at = since(flow.created_at, event.at);
        let part = match (chained, event.attempt) {
            (true, Some(attempt)) => format!("step {}, attempt {attempt}: ", event.step + 1),
            (false, Some(attempt)) => format!("attempt {attempt}: "),
            (_, None) => String::new(),
        };
        writeln!(out, "{at:>12}  {part}{}", happened(flow, event))?;
    }
    Ok(())
}

/// A time after another, in seconds.
fn since(begin: Timestamp, at: Timestamp) -> String {
    let passed = at.duration_since(begin).max(SignedDuration::ZERO);
    format!("+{}.{:03} s", passed.as_secs(), passed.subsec_millis())
}

fn happened(flow: &FlowStory, event: &Event) -> String {
    let code = event.code.as_deref().map(clean);
    match &*event.event {
        "accepted" => "accepted".to_owned(),
        "claimed" => "a worker takes it up".to_owned(),
        "fetched" if event.step > 0 => "what the step before made is there".to_owned(),
        "fetched" => "the asset is fetched".to_owned(),
        "sent_to_vendor" => "a paid call begins".to_owned(),
        "taken_by_vendor" => "the vendor takes it on as a job".to_owned(),
        "stored" => "what it made is kept".to_owned(),
        "completed" => "completed".to_owned(),
        "cancelled" => "cancelled".to_owned(),
        "failed" => format!("failed: {}", code.unwrap_or_default()),
        "waits" => {
            let reason = event.reason.as_deref().unwrap_or_default();
            let after = code.map(|code| format!(" after {code}"));
            let until = event.until.map(|until| since(flow.created_at, until));
            let until = until.map(|until| format!(", until {until}"));
            format!(
                "waits: {}{}{}",
                clean(reasons::in_words(reason)),
                after.unwrap_or_default(),
                until.unwrap_or_default()
            )
        }
        other => clean(other),
    }
}

/// What the error means, and how the asset is run again.
fn mend(out: &mut impl Write, flow: &FlowStory, error: &FlowError) -> io::Result<()> {
    let failed = flow.state == FlowState::Failed;
    let which = if failed {
        "Why"
    } else {
        "What the last try failed with"
    };
    let (code, message) = (clean(&error.code), clean(&error.message));
    writeln!(out, "\n{which}: {code}: {message}")?;
    let advice = advice(&error.code);
    if let Some(advice) = advice {
        writeln!(out, "{}", advice.text)?;
    }
    if !failed || advice.is_some_and(|advice| !advice.can_run_again) {
        return Ok(());
    }
    let first = if error.retryable {
        "To run it again"
    } else {
        "The same would fail again; to run it again once that is mended"
    };
    writeln!(out, "{first}: assetmill retry {}", clean(&flow.flow_id))
}
