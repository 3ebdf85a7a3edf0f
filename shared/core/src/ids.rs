//! Names and identifiers that can't be wrong once made.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::WebhookEvent;

/// The text is not an identifier that Assetmill gave out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: ids are UUIDs, such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct NotAnId;

/// The text can't name a tenant or an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "names are 1 to 64 characters of a-z, 0-9, '-' and '_', and begin with a letter or a digit"
)]
pub struct NotAName;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id. Ids made later sort after ids made earlier (UUID version 7, RFC 9562).
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                // One spelling per id: the hyphenated one, 36 characters.
                if text.len() != 36 {
                    return Err(NotAnId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Names one flow: the processing of one asset.
    FlowId
}

id! {
    /// Names one batch: the flows that one request started.
    BatchId
}

id! {
    /// Names one endpoint of a tenant.
    WebhookId
}

id! {
    /// Names one event that one endpoint is told of. Standard Webhooks calls it `webhook-id`.
    DeliveryId
}

impl WebhookId {
    /// Stands for the bus of the deployment among those who are told. No endpoint has it: theirs are of version 7.
    pub const BUS: Self = Self(Uuid::nil());

    /// The id of the endpoint that is told of one batch alone: the batch has at most one, so it is the same.
    pub fn of_batch(batch: BatchId) -> Self {
        Self(batch.0)
    }

    /// The batch whose endpoint has this id, if that is one of a batch.
    pub fn as_batch(self) -> BatchId {
        BatchId(self.0)
    }
}

impl DeliveryId {
    /// The id of what an endpoint is told of something that happened at `at`: the same each time, whoever tells it. It has
    /// that time, by which it sorts (UUID version 7, RFC 9562: the rest may be anything that no other has).
    fn of(event: WebhookEvent, what: &[u8], at: Timestamp, webhook: WebhookId) -> Self {
        let hash = Sha256::new()
            .chain_update(what)
            .chain_update(webhook.0.as_bytes())
            .chain_update(event.as_str())
            .finalize();
        let mut rest = [0; 10];
        rest.copy_from_slice(&hash[..10]);
        Self::at(at, rest)
    }

    /// The id of what an endpoint is told of the completion of a batch.
    pub fn of_completion(batch: BatchId, at: Timestamp, webhook: WebhookId) -> Self {
        let event = WebhookEvent::BatchCompleted;
        Self::of(event, batch.0.as_bytes(), at, webhook)
    }

    /// The id of what an endpoint is told of a flow that settled.
    pub fn of_settled(flow: FlowId, at: Timestamp, webhook: WebhookId) -> Self {
        let event = WebhookEvent::FlowSettled;
        Self::of(event, flow.0.as_bytes(), at, webhook)
    }

    /// The id of what an endpoint is told of how far a batch is in the half second that
    /// [began](crate::WebhookDelivery::half_second) then: told but once, whoever notes it.
    pub fn of_progress(batch: BatchId, began: Timestamp, webhook: WebhookId) -> Self {
        let event = WebhookEvent::BatchProgress;
        Self::of(event, batch.0.as_bytes(), began, webhook)
    }

    /// The id of what an endpoint is told of an operation that is paused since then.
    pub fn of_pause(operation: &OperationName, since: Timestamp, webhook: WebhookId) -> Self {
        let event = WebhookEvent::OperationPaused;
        Self::of(event, operation.as_str().as_bytes(), since, webhook)
    }

    /// The first that an id can be of something that happened at `at`: all that happened before sorts before it.
    pub fn first_at(at: Timestamp) -> Self {
        Self::at(at, [0; 10])
    }

    fn at(at: Timestamp, rest: [u8; 10]) -> Self {
        let millisecond = u64::try_from(at.as_millisecond()).unwrap_or_default();
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millisecond.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&rest);
        bytes[6] = 0x70 | rest[0] & 0x0f;
        bytes[8] = 0x80 | rest[2] & 0x3f;
        Self(Uuid::from_bytes(bytes))
    }
}

impl FlowId {
    /// The id of the flow at `index` of a batch whose flows have ids that follow from its own: the same each time. It has
    /// the time of the batch, and sorts by its index, which has 16 bits (UUID version 7, RFC 9562: the rest may be a
    /// counter and anything that no other has).
    pub fn of_batch(batch: BatchId, index: u32) -> Self {
        let hash = Sha256::new()
            .chain_update(batch.0.as_bytes())
            .chain_update(index.to_be_bytes())
            .finalize();
        let [.., high, low] = index.to_be_bytes();
        let mut bytes = *batch.0.as_bytes();
        bytes[6] = 0x70 | high >> 4;
        bytes[7] = high << 4 | low >> 4;
        bytes[8] = 0x80 | (low & 0x0f) << 2 | (hash[0] & 0b11);
        bytes[9..].copy_from_slice(&hash[1..8]);
        Self(Uuid::from_bytes(bytes))
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAName;

            fn from_str(text: &str) -> Result<Self, NotAName> {
                is_name(text).then(|| Self(text.to_owned())).ok_or(NotAName)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAName;

            fn try_from(text: String) -> Result<Self, NotAName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// Names the caller that owns flows, batches and outputs. Safe as a path segment.
    TenantId
}

impl TenantId {
    /// Who calls a service that asks for no keys.
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

name! {
    /// Names an operation of the catalogue.
    OperationName
}

fn is_name(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    (1..=64).contains(&text.len())
        && text.bytes().all(allowed)
        && text.as_bytes()[0].is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling() {
        let id = FlowId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "1", "not-an-id", &id.to_string().replace('-', "")] {
            assert_eq!(wrong.parse::<FlowId>(), Err(NotAnId), "{wrong}");
        }
    }

    #[test]
    fn ids_that_follow_from_a_batch_are_its_own_and_sort_by_index() {
        let (one, other) = (BatchId::generate(), BatchId::generate());
        let indexes = [0, 1, 15, 16, 255, 256, 4_095, 4_096, 9_999];
        let ids = indexes.map(|index| FlowId::of_batch(one, index));
        assert!(ids.is_sorted());
        for (id, index) in ids.iter().zip(indexes) {
            assert_eq!(*id, FlowId::of_batch(one, index));
            assert_ne!(*id, FlowId::of_batch(other, index));
            assert_eq!(id.0.get_version_num(), 7);
            assert_eq!(id.0.get_variant(), uuid::Variant::RFC4122);
            assert_eq!(id.0.get_timestamp(), one.0.get_timestamp());
        }
    }

    #[test]
    fn what_is_told_of_a_completion_has_one_id_for_each_endpoint() {
        let at = |millisecond| Timestamp::from_millisecond(millisecond).unwrap();
        let (batch, other) = (BatchId::generate(), BatchId::generate());
        let (here, there) = (WebhookId::generate(), WebhookId::generate());
        let then = at(1_800_000_000_123);
        let id = DeliveryId::of_completion(batch, then, here);
        assert_eq!(id, DeliveryId::of_completion(batch, then, here));
        assert_ne!(id, DeliveryId::of_completion(batch, then, there));
        assert_ne!(id, DeliveryId::of_completion(other, then, here));
        assert_eq!(id.0.get_version_num(), 7);
        assert_eq!(id.0.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(
            id.0.get_timestamp().unwrap().to_unix(),
            (1_800_000_000, 123_000_000)
        );
        assert!(DeliveryId::first_at(then) <= id);
        assert!(id < DeliveryId::first_at(at(1_800_000_000_124)));
    }

    #[test]
    fn names_are_safe_in_paths() {
        assert!("remove-background_2".parse::<OperationName>().is_ok());
        for wrong in ["", "..", "a/b", "A", "-a", "ä", &"a".repeat(65)] {
            assert_eq!(wrong.parse::<TenantId>(), Err(NotAName), "{wrong}");
        }
    }
}
