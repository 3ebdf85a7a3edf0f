//! Which flows something is done to, as a person says it.

use std::io::{self, Write as _};

use assetmill_client::{Client, ClientError};
use serde_json::{Value, json};

use super::Ended;
use super::print::segment;

/// What is done to flows.
pub(super) struct Act<'a> {
    /// `retry` or `cancel`, as routes end.
    pub(super) what: &'static str,
    /// The one batch that is meant, if it is one.
    pub(super) batch: Option<&'a str>,
    /// The flows that are meant, if they are named.
    pub(super) flows: &'a [String],
    /// What else says which.
    pub(super) filter: Vec<(&'static str, String)>,
    /// Whether nothing is done.
    pub(super) dry_run: bool,
}

impl Act<'_> {
    /// Does it. However often it is sent, under a key it is done once.
    pub(super) async fn run(
        mut self,
        client: &Client,
        key: Option<&str>,
    ) -> Result<Value, ClientError> {
        if self.dry_run {
            self.filter.push(("dry_run", "true".to_owned()));
        }
        let query = self.filter.iter().map(|(name, value)| (*name, &**value));
        let query: Vec<_> = query.collect();
        let path = match self.batch {
            Some(batch) => format!("api/v2/batches/{}/{}", segment(batch), self.what),
            None => format!("api/v2/flows/{}", self.what),
        };
        if self.flows.is_empty() {
            return client.act(http::Method::POST, &path, &query, key).await;
        }
        let named = json!({ "flow_ids": self.flows });
        client.post(&path, &query, &named, key).await
    }
}

/// What is given of a filter.
pub(super) fn given<const MOST: usize>(
    filter: [(&'static str, Option<String>); MOST],
) -> Vec<(&'static str, String)> {
    filter
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Of a batch alone it is not said whether all was looked at: it was.
pub(super) fn yes() -> bool {
    true
}

/// How a command ended, by whether every batch was looked at.
pub(super) fn ended(complete: bool) -> io::Result<Ended> {
    if complete {
        return Ok(Ended::Well);
    }
    writeln!(
        io::stderr(),
        "Not every batch could be looked at in time: run the same command again for the rest."
    )?;
    Ok(Ended::SomeFailed)
}
