//! The claim of a flow, written with the first thing that there is to write of it.
//!
//! A claim by itself is a write for a flow that is done a moment later, and to say that a flow waits for its slot was a
//! write already. So a flow that is taken up for the first time is claimed by the write that announces its paid call, or that
//! settles it; by one of its own only where it takes so long that others want to see it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::Process;
use super::alike::TakenUp;
use super::attempt::Attempt;
use crate::pacing::Slot;
use crate::ports::Unavailable;
use crate::{Claim, Cost, Fenced, Flow};

/// How long a flow may be worked on while it is pending for everybody else: whoever looks at it sees no earlier that
/// it runs.
const UNSEEN_FOR: Duration = Duration::from_secs(1);

/// A claim that is not written yet. Until it is, the flow is pending for everybody else: it may be cancelled, and be
/// taken up a second time by whoever has another message for it. Of those the first to write has it, and the others
/// are told that they lost, so what MUST NOT be done twice MUST come after a write.
#[derive(Debug, Clone)]
pub(super) struct LateClaim {
    /// The row, as far as it is known.
    pub(super) row: Box<Flow>,
    slot: Option<Slot>,
    now: Timestamp,
    lease_until: Timestamp,
    unseen_until: Instant,
    /// Keeps others in this process from taking it up.
    _taken_up: Arc<TakenUp>,
}

impl Attempt {
    /// Claims a flow whose turn has come with the first write of it, and returns it as it is then. `None` if it is to be
    /// claimed by a write of its own.
    pub(super) fn claim_late(
        &mut self,
        row: &Flow,
        slot: Option<Slot>,
        lease_until: Timestamp,
        taken_up: TakenUp,
    ) -> Option<Flow> {
        let turn = self.turn.as_ref()?;
        // Two that came for one slot would both call in it, where no write lies before the call. Who came too late for
        // its slot uses another. Who probes does so alone: nobody else is to begin the same.
        let shares_slot = turn.cost == Cost::Free || turn.pass.slot() != slot;
        if (slot.is_some() && shares_slot) || turn.pass.probes() {
            return None;
        }
        let claimed = claimed_first(row, slot, self.claimed_at, lease_until)?;
        self.late_claim = Some(LateClaim {
            row: Box::new(row.clone()),
            slot,
            now: self.claimed_at,
            lease_until,
            unseen_until: Instant::now() + UNSEEN_FOR,
            _taken_up: Arc::new(taken_up),
        });
        Some(claimed)
    }
}

impl Process {
    /// Writes the claim of a flow, if it is not written, and if its lease would not be over by now.
    pub(super) async fn claim_now(
        &self,
        flow: &mut Flow,
        attempt: &mut Attempt,
    ) -> Result<Fenced, Unavailable> {
        if attempt.late_claim.is_none() {
            return Ok(Fenced::Done);
        }
        if attempt.lease_ended(self.clock.now(), self.limits.lease) {
            return Ok(Fenced::Lost);
        }
        self.change(flow, attempt, |_, _| Fenced::Done).await
    }

    /// Waits for what two may do at no cost, for a flow that may not be claimed yet. It is claimed meanwhile where it was
    /// unseen for [`UNSEEN_FOR`]; `None`, and `work` is dropped, if it was lost to others.
    pub(super) async fn in_sight<Work: Future>(
        &self,
        flow: &mut Flow,
        attempt: &mut Attempt,
        work: Work,
    ) -> Result<Option<Work::Output>, Unavailable> {
        let mut work = std::pin::pin!(work);
        if let Some(LateClaim { unseen_until, .. }) = attempt.late_claim {
            if let Ok(output) = timeout_at(unseen_until, &mut work).await {
                return Ok(Some(output));
            }
            if self.claim_now(flow, attempt).await? == Fenced::Lost {
                return Ok(None);
            }
        }
        Ok(Some(work.await))
    }
}

/// A flow whose turn has come, as it is when it is claimed. `None` where others have to know at once that it is taken up:
/// one that was claimed before, or came too late for an earlier slot, may have stopped a worker, and is claimed before
/// anything is done for it, so that those are counted whom it stops.
fn claimed_first(
    row: &Flow,
    slot: Option<Slot>,
    now: Timestamp,
    lease_until: Timestamp,
) -> Option<Flow> {
    if row.fence > 0 || row.revision == 0 {
        return None;
    }
    match row.apply(|row| row.claim_in_turn(slot, now, lease_until)) {
        (Claim::Claimed(claimed), _) => Some(claimed),
        _ => None,
    }
}

impl LateClaim {
    /// Claims the flow and changes it by a rule for whoever holds it, if it may be claimed still, by this very claim.
    pub(super) fn with(
        &self,
        row: &mut Flow,
        fence: u64,
        rule: impl Fn(&mut Flow, u64) -> Fenced,
    ) -> Fenced {
        let mut claimed = row.clone();
        claimed.claim_in_turn(self.slot, self.now, self.lease_until);
        let claims = claimed.fence > row.fence;
        if !claims || claimed.fence != fence {
            return Fenced::Lost;
        }
        let fenced = rule(&mut claimed, fence);
        if fenced == Fenced::Done {
            *row = claimed;
        }
        fenced
    }
}
