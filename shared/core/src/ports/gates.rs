//! The gates of operations, which all workers share.

use std::sync::Arc;

use async_trait::async_trait;

use super::Unavailable;
use crate::OperationName;
use crate::pacing::Gate;

/// Reads gates.
#[async_trait]
pub trait GateReads: Send + Sync {
    /// The gate of an operation; a new one if nobody changed it yet. MUST see every change that was answered before.
    async fn gate(&self, operation: &OperationName) -> Result<Gate, Unavailable>;
}

/// Changes gates.
#[async_trait]
pub trait Gates: GateReads {
    /// Changes the gate of an operation by a rule, as if nobody else changed it meanwhile: of two changes at the
    /// same time, one MUST be applied to what the other made. A rule that leaves the gate as it is MUST write nothing,
    /// and one that changes it MUST make its revision one higher ([`Gate::apply`] does). Answers the gate as it was
    /// before, as [`FlowWrites::change`](super::FlowWrites::change) does.
    ///
    /// `guess` is what the caller believes the gate to be: a right one spares a read, a wrong one is no harm. A change
    /// costs one write where nobody else changes the gate at the same time.
    async fn change_gate(
        &self,
        operation: &OperationName,
        guess: Option<Gate>,
        rule: GateRule,
    ) -> Result<Gate, Unavailable>;
}

/// What a change makes of a gate. MUST make the same of the same gate each time: adapters may try it on a row that
/// turns out to have changed, and then on what it became.
pub type GateRule = Arc<dyn Fn(&mut Gate) + Send + Sync>;

impl Gate {
    /// What a rule makes of it, one revision higher; `None` where it leaves it as it is.
    pub fn apply(&self, rule: &(dyn Fn(&mut Self) + Send + Sync)) -> Option<Self> {
        self.apply_and_answer(rule).1
    }

    /// The same, and what the rule answers.
    pub fn apply_and_answer<T>(&self, rule: impl Fn(&mut Self) -> T) -> (T, Option<Self>) {
        let mut changed = self.clone();
        let answer = rule(&mut changed);
        if changed == *self {
            return (answer, None);
        }
        changed.revision = self.revision.saturating_add(1);
        (answer, Some(changed))
    }
}
