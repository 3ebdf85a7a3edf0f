//! Conditions on an answer.

use serde::Serialize;
use serde_json::Value;

use super::place::Place;
use super::response::Response;

/// What may be asked of an answer; all that is said must hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// The HTTP status is one of these; empty means any.
    pub status: Vec<u16>,
    /// Something stands at a place.
    pub at: Option<Place>,
    /// It is one of these; empty means anything but `null`.
    pub is: Vec<Value>,
}

impl Condition {
    /// Whether it holds for this answer.
    pub(crate) fn holds(&self, answer: &Response) -> bool {
        let status = answer.status.as_u16();
        let place = |place: &Place| {
            place
                .value_in(answer)
                .is_some_and(|value| self.is.is_empty() || self.is.contains(&value))
        };
        (self.status.is_empty() || self.status.contains(&status))
            && self.at.as_ref().is_none_or(place)
    }
}
