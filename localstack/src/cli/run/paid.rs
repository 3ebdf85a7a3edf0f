//! What a run costs, where that can be told from what others cost.

use std::time::Duration;

use assetmill_client::Client;
use serde_json::Value;

use super::running::Running;
use crate::cli::CliError;

/// As often as it is counted.
const SHOW_EVERY: Duration = Duration::from_secs(2);

/// Paid calls, counted from now on.
pub(super) struct PaidCalls(u64);

impl PaidCalls {
    pub(super) async fn begin(client: &Client) -> Result<Self, CliError> {
        Ok(Self(Self::of_late(client).await?))
    }

    pub(super) async fn until_now(&self, client: &Client) -> Result<u64, CliError> {
        Ok(Self::of_late(client).await?.saturating_sub(self.0))
    }

    async fn of_late(client: &Client) -> Result<u64, CliError> {
        let activity: Value = client.get("api/v2/activity", &[]).await?;
        let points = activity["points"].as_array().into_iter().flatten();
        let calls = points.filter_map(|point| point["paid_calls"].as_u64());
        Ok(calls.sum())
    }
}

/// Shows now and then how many calls were paid for; returns if it can't.
pub(super) async fn show(running: &Running, paid: Option<&PaidCalls>) -> CliError {
    let Some(paid) = paid else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(SHOW_EVERY).await;
        match paid.until_now(&running.client).await {
            Ok(calls) => running.report.paid(calls),
            Err(error) => return error,
        }
    }
}
