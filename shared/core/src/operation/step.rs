//! The durable parts of an operation.

use std::sync::Arc;

use super::{Operation, Params};
use crate::{RetryPolicy, Sha256Digest};

/// A durable part of an operation: what it makes is kept before the next one begins.
#[derive(Clone)]
pub struct Step {
    /// What is done.
    pub operation: Arc<dyn Operation>,
    /// With which parameters.
    pub params: Params,
    /// How often it is tried.
    pub retry: RetryPolicy,
}

impl Step {
    /// The steps of an operation with these parameters: those that it is made of, or itself.
    pub fn all_of(operation: &Arc<dyn Operation>, params: &Params) -> Vec<Self> {
        let steps = operation.steps();
        if !steps.is_empty() {
            return steps.to_vec();
        }
        vec![Self {
            operation: operation.clone(),
            params: params.clone(),
            retry: operation.retry(),
        }]
    }

    /// Tells steps apart, as [`Operation::fingerprint`] tells definitions.
    pub fn fingerprint(&self) -> Sha256Digest {
        let definition = format!(
            "{}\n{}",
            self.operation.fingerprint(),
            self.params.canonical()
        );
        Sha256Digest::of(definition.as_bytes())
    }
}
