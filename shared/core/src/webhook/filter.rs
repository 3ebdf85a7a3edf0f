//! Which deliveries of many.

use std::str::FromStr;

use jiff::Timestamp;

use super::{DeliveryState, WebhookDelivery};

/// Which deliveries are meant: those for which all that is given is true. Nothing given means every one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// What they tell of happened then or later.
    pub since: Option<Timestamp>,
    /// What they tell of happened then or before.
    pub until: Option<Timestamp>,
    /// Where they stand.
    pub standing: Option<DeliveryStanding>,
}

/// A [`DeliveryState`] without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStanding {
    /// Is to be sent.
    Pending,
    /// The endpoint has it.
    Delivered,
    /// It is not sent any more.
    GivenUp,
}

/// The text names no state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a state of a delivery: the states are PENDING, DELIVERED and GIVEN_UP")]
pub struct NotAStanding;

impl DeliveryFilter {
    /// Whether a delivery is meant.
    pub fn matches(&self, delivery: &WebhookDelivery) -> bool {
        let standing = delivery.state.standing();
        self.since.is_none_or(|since| delivery.created_at >= since)
            && self.until.is_none_or(|until| delivery.created_at <= until)
            && self.standing.is_none_or(|meant| standing == meant)
    }
}

impl DeliveryStanding {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::GivenUp];

    /// As it stands in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Delivered => "DELIVERED",
            Self::GivenUp => "GIVEN_UP",
        }
    }
}

impl FromStr for DeliveryStanding {
    type Err = NotAStanding;

    fn from_str(text: &str) -> Result<Self, NotAStanding> {
        let named = |standing: &Self| standing.as_str() == text;
        Self::ALL.into_iter().find(named).ok_or(NotAStanding)
    }
}

impl DeliveryState {
    /// Where it stands, without what belongs to that.
    pub fn standing(&self) -> DeliveryStanding {
        match self {
            Self::Pending { .. } => DeliveryStanding::Pending,
            Self::Delivered { .. } => DeliveryStanding::Delivered,
            Self::GivenUp { .. } => DeliveryStanding::GivenUp,
        }
    }
}
