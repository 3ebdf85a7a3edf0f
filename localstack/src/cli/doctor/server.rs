//! Whether a server is there, and how it is.

use std::io;
use std::time::Duration;

use assetmill_client::{Answer, Network, Transport as _, Unreachable};
use bytes::Bytes;
use http::header::{ACCEPT, DATE, LOCATION};
use http::{HeaderMap, Request};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use super::api;
use super::report::Report;
use crate::cli::CliError;
use crate::cli::print::is_loopback;
use crate::cli::remote::over_network;

/// What Assetmill says of itself is much less.
const MOST_BYTES: usize = 64 * 1024;
/// Whoever takes longer has lost the first of those who ask.
const PATIENCE: Duration = Duration::from_secs(10);
/// Signatures of URLs and webhooks are taken for minutes, and times are shown to the second.
const MOST_SKEW: SignedDuration = SignedDuration::from_secs(60);

#[derive(Deserialize)]
struct About {
    service: String,
    version: String,
}

pub(super) async fn look(
    report: &mut Report,
    server: &Url,
    key: Option<&str>,
) -> Result<(), CliError> {
    let answer = match first(server).await {
        Ok(answer) => answer,
        Err(error) => {
            let said = format!("{server} does not answer: {error}");
            let todo = "check the URL, and that Assetmill runs there and may be reached from here";
            return Ok(report.wrong("server", &said, todo)?);
        }
    };
    if !is_assetmill(report, server, &answer)? {
        return Ok(());
    }
    if server.scheme() == "http" && !is_loopback(server) {
        let todo = "use an https URL, unless the network is yours";
        report.note("server", "others on the way can read keys and assets", todo)?;
    }
    clock(report, &answer.headers, Timestamp::now())?;
    let client = over_network(server.clone(), key)?.impatient();
    let todo = "tell its operator: the log of the server says more";
    api::is_ready(report, &client, "ready", "it can work", todo).await?;
    if api::is_known(report, &client, key.is_some()).await? {
        api::may_write(report, &client).await?;
        api::operations(report, &client).await?;
        api::endpoints(report, &client).await?;
    }
    Ok(())
}

async fn first(server: &Url) -> Result<Answer, Unreachable> {
    let request = Request::get(server.as_str()).header(ACCEPT, "application/json");
    let request = request.body(Bytes::new()).map_err(Unreachable::new)?;
    let network = Network::new()?;
    let answer = tokio::time::timeout(PATIENCE, network.send(request, MOST_BYTES)).await;
    answer.unwrap_or_else(|_| Err(Unreachable::new("it takes more than 10 seconds")))
}

fn is_assetmill(report: &mut Report, server: &Url, answer: &Answer) -> io::Result<bool> {
    let about: Option<About> = serde_json::from_slice(&answer.body).ok();
    let Some(about) = about.filter(|about| about.service == "assetmill") else {
        let elsewhere = answer.headers.get(LOCATION);
        let elsewhere = elsewhere.map(|url| String::from_utf8_lossy(url.as_bytes()));
        let leads = elsewhere.map(|url| format!(", and leads to {url}"));
        let said = format!(
            "{server} answers {}{}, and is no Assetmill",
            answer.status,
            leads.unwrap_or_default()
        );
        report.wrong(
            "server",
            &said,
            "check the URL: it is the one below which /api is",
        )?;
        return Ok(false);
    };
    let here = env!("CARGO_PKG_VERSION");
    let said = format!("{server} is Assetmill {}", about.version);
    if about.version == here {
        report.ok("server", &said)?;
    } else {
        let todo = format!("nothing, unless a command misses something: this is {here}");
        report.note("server", &said, &todo)?;
    }
    Ok(true)
}

/// How far the clocks are apart.
fn clock(report: &mut Report, headers: &HeaderMap, now: Timestamp) -> io::Result<()> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let Some(date) = date else {
        return Ok(());
    };
    let skew = now.duration_since(date);
    if skew.abs() <= MOST_SKEW {
        return report.ok("clock", "is that of the server, or nearly");
    }
    let direction = if skew.is_positive() {
        "ahead of"
    } else {
        "behind"
    };
    let said = format!(
        "is {} s {direction} that of the server",
        skew.abs().as_secs()
    );
    let todo = "set the clock of the one that is wrong (NTP): URLs and signatures end too early or too late";
    report.wrong("clock", &said, todo)
}
