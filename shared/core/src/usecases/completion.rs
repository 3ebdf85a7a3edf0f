//! What follows the settling of a flow, and is done again if a crash came between.

use jiff::Timestamp;

use crate::Flow;
use crate::ports::{Announcement, FlowWrites, Tally, Unavailable};

/// Tallies a settled flow and, if it was the last of its batch, announces the batch as completed.
/// Idempotent; MUST be done before the flow's message is acknowledged.
pub(super) async fn note_settled(
    flows: &dyn FlowWrites,
    flow: &Flow,
    now: Timestamp,
) -> Result<(), Unavailable> {
    if flows.tally(flow.batch_id, flow.index).await? == Tally::Open {
        return Ok(());
    }
    if flows.announce(flow.batch_id, now).await? == Announcement::First {
        tracing::info!(batch_id = %flow.batch_id, tenant = %flow.tenant, "batch completed");
    }
    Ok(())
}
