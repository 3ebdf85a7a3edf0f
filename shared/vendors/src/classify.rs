//! What a vendor's refusals mean, where the profile knows better than HTTP.

use std::collections::BTreeMap;

use super::place::Place;
use super::response::Response;

/// What a refusal comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Trying again may help.
    Retry,
    /// Trying again would not.
    Final,
    /// The operator's account is the reason: key, plan or credit.
    Account,
    /// The vendor's rules on content are the reason.
    Moderation,
}

/// Classes by the vendor's own code, and by HTTP status where the code has none.
#[derive(Debug, Clone, Default)]
pub struct Classification(pub BTreeMap<String, Class>);

impl Classification {
    pub(super) fn class_of(&self, answer: &Response, codes: &[Place]) -> Option<Class> {
        codes
            .iter()
            .filter_map(|place| place.text_in(answer))
            .chain([answer.status.as_u16().to_string()])
            .find_map(|key| self.0.get(&key).copied())
    }
}
