//! What follows the settling of a flow, and is done again if a crash came between.

use jiff::Timestamp;

use crate::Flow;
use crate::ports::{Announcement, FlowWrites, Tally, Unavailable};

/// Tallies settled flows of one batch and, if the last of it is among them, announces the batch as
/// completed. Idempotent; MUST be done before the message of any of them is acknowledged.
pub(super) async fn note_settled(
    flows: &dyn FlowWrites,
    settled: &[&Flow],
    now: Timestamp,
) -> Result<(), Unavailable> {
    let Some(Flow {
        batch_id, tenant, ..
    }) = settled.first()
    else {
        return Ok(());
    };
    let indexes: Vec<_> = settled.iter().map(|flow| flow.index).collect();
    if flows.tally(*batch_id, &indexes).await? == Tally::Open {
        return Ok(());
    }
    if flows.announce(*batch_id, now).await? == Announcement::First {
        tracing::info!(%batch_id, %tenant, "batch completed");
    }
    Ok(())
}
