//! How much an operation is asked for: its limits, and the gate that all its flows go through.
//!
//! The rules stand here alone and are pure: adapters keep a [`Gate`] as a document
//! ([`Gates`](crate::ports::Gates)), and `usecases` asks it.

mod gate;
mod limits;
mod lines;
mod places;
mod places_needed;
mod sharing;
mod turns;

use jiff::Timestamp;

use crate::Wait;

pub use gate::{Admission, FoundBy, Gate, Look, Outage, Pause};
pub(crate) use gate::{SKEW, SPREAD, lateness};
pub use limits::{Limits, NotLimits, Rate};
pub use lines::{LineId, Slot};
pub use places::ProcessId;
pub(crate) use places_needed::calls_of;
pub use places_needed::{Need, PlacesNeeded};

/// A place in the line before a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What the flow waits for.
    pub reason: Wait,
    /// Until then at the least.
    pub until: Timestamp,
    /// What it was handed.
    pub slot: Option<Slot>,
}
