//! How far the steps of a flow have come.

use serde::{Deserialize, Serialize};

use super::{OpenJob, Output};
use crate::pacing::Slot;
use crate::{CallReference, Sha256Digest, Step};

/// How far the steps of a flow have come; nothing once it is settled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What the steps made that are done, in their order: the next step takes what the last of them made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<StepProduct>,
    /// The attempts of the flow before its first at the current step.
    #[serde(default)]
    pub earlier_attempts: u32,
    /// Whether a paid call of the current step was begun whose end nobody noted.
    #[serde(default)]
    pub open_call: bool,
    /// What the vendor knows that call by. Kept until its end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<CallReference>,
    /// When the current step may be taken, as the gate of its operation handed it out. Kept while the flow waits for
    /// that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// What the vendor took on for the current step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<OpenJob>,
}

/// What a step made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepProduct {
    /// Which step that was: its [`Step::fingerprint`].
    pub step: Sha256Digest,
    /// What it made.
    pub output: Output,
}

impl Progress {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The job of this step, if a vendor took one on.
    pub fn job_of(&self, step: &Step) -> Option<&OpenJob> {
        let job = self.job.as_ref()?;
        (job.step == step.fingerprint()).then_some(job)
    }

    /// How many of these steps are done: those whose products are of the same steps in the same order. A
    /// catalogue that changed meanwhile may have others.
    pub fn done_of(&self, steps: &[Step]) -> usize {
        let same = |(product, step): &(&StepProduct, &Step)| product.step == step.fingerprint();
        self.products.iter().zip(steps).take_while(same).count()
    }
}
