//! Clocks that jump: this machine's, and that of whoever changed a gate last.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::known::Known;
use super::{Line, Pacer};
use crate::OperationName;
use crate::pacing::{Gate, SKEW};
use crate::ports::Unavailable;

impl Pacer {
    /// Moves the line along with a clock that jumped: this machine's, by what its other clock says, or that of
    /// whoever changed the gate last.
    pub(super) async fn follow_clock(
        &self,
        name: &OperationName,
        line: &Line,
    ) -> Result<(), Unavailable> {
        let jumped = |known: &mut Known| known.jump(Instant::now(), self.clock.now());
        let behind = || {
            let known = line.known();
            let gate = known.last();
            gate.is_some_and(|gate| gate.is_ahead_of(self.clock.now()))
        };
        let jump = jumped(&mut line.known());
        if jump == 0 && !behind() {
            return Ok(());
        }
        // One change at a time: one that is slow would make this process believe a gate that is older than its own
        // last change, with places that it gave back since. Until the jump is followed, nobody looks at the gate.
        let _asking = line.asking.lock().await;
        let jump = jumped(&mut line.known());
        if jump == 0 && !behind() {
            return Ok(());
        }
        let now = self.clock.now();
        tracing::warn!(operation = %name, jump_micros = jump, "clock jumped");
        let follow = move |gate: &mut Gate| {
            gate.turn(jump);
            gate.meet(now);
        };
        self.change(name, line, follow).await?;
        line.known().followed(jump);
        Ok(())
    }
}

/// By how much a clock went wrong, in microseconds, where that is more than clocks differ.
pub(super) fn jumped(elapsed: Duration, before: Timestamp, now: Timestamp) -> i64 {
    let elapsed = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
    let drift = now.as_microsecond() - before.as_microsecond() - elapsed;
    let skew = i64::try_from(SKEW.as_micros()).unwrap_or(i64::MAX);
    if drift.abs() > skew { drift } else { 0 }
}
