//! The claim of a flow that stood in line: written with the call that it is for.
//!
//! To say that it waits cost the flow a write. This spares another, so that a flow that waits for a paid call makes
//! as many writes of its row as one that doesn't.

use jiff::Timestamp;

use super::attempt::Attempt;
use crate::pacing::Slot;
use crate::{Claim, Cost, Fenced, Flow};

/// A claim that is not written yet. Until it is, the flow is pending for everybody else: it may be cancelled, and be
/// taken up a second time by whoever has another message for it. Of those the first to write has it, and the others
/// are told that they lost, so what MUST NOT be done twice MUST come after a write.
#[derive(Debug, Clone)]
pub(super) struct LateClaim {
    /// The row, as far as it is known.
    pub(super) row: Box<Flow>,
    slot: Slot,
    now: Timestamp,
    lease_until: Timestamp,
}

impl Attempt {
    /// Claims a flow whose turn at a paid step has come with the write that tells that its call begins. The flow as it is
    /// then; `None` where the claim is a write of its own.
    ///
    /// Where nothing is paid, no write lies between the claim and the call, which two attempts in one slot would make.
    pub(super) fn claim_late(
        &mut self,
        row: &Flow,
        slot: Option<Slot>,
        lease_until: Timestamp,
    ) -> Option<Flow> {
        let turn = self.turn.as_ref()?;
        // Who came too late for its slot uses another. Who probes does so alone: nobody else is to begin the same.
        if turn.cost != Cost::Paid || turn.pass.slot() != slot || turn.pass.probes() {
            return None;
        }
        let (claim, flow) = LateClaim::of(row, slot?, self.claimed_at, lease_until)?;
        self.late_claim = Some(claim);
        Some(flow)
    }
}

impl LateClaim {
    /// The claim of a flow that has come for its slot, and the flow as it is with that. `None` where others have to
    /// know at once that it is taken up: a flow that was claimed before, or came too late for an earlier slot, may have
    /// stopped a worker, and is claimed before anything is done for it, so that those are counted whom it stops.
    fn of(row: &Flow, slot: Slot, now: Timestamp, lease_until: Timestamp) -> Option<(Self, Flow)> {
        if row.fence > 0 || row.revision == 0 {
            return None;
        }
        let claim = row.apply(|row| row.claim_in_turn(Some(slot), now, lease_until));
        let (Claim::Claimed(claimed), _) = claim else {
            return None;
        };
        let late = Self {
            row: Box::new(row.clone()),
            slot,
            now,
            lease_until,
        };
        Some((late, claimed))
    }

    /// Claims the flow and changes it by a rule for whoever holds it, if it may be claimed still, by this very claim.
    pub(super) fn with(
        &self,
        row: &mut Flow,
        fence: u64,
        rule: impl Fn(&mut Flow, u64) -> Fenced,
    ) -> Fenced {
        let mut claimed = row.clone();
        claimed.claim_in_turn(Some(self.slot), self.now, self.lease_until);
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
