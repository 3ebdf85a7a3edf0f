//! Between rows and the domain.

use std::collections::HashMap;

use assetmill_core::ports::Unavailable;
use assetmill_core::{Batch, Flow, TenantId};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Table, keys, names};

/// A row.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The attribute of a flow that is a map whose parts change one by one.
pub(super) const PROGRESS: &str = "progress";

/// The version of what rows look like that this code writes. A row keeps the version that made it: whoever changes it
/// leaves alone what it does not know of it.
const VERSION: u32 = 1;

/// A write that answers for itself: the SDK sends again what had no answer, and only a name tells
/// whether it was this very write that took effect, or another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WriteId(String);

impl WriteId {
    pub(super) fn generate() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    /// The write that made this row.
    pub(super) fn of(row: &Item) -> Option<Self> {
        row.get(names::WRITTEN_BY)?.as_s().ok().cloned().map(Self)
    }

    pub(super) fn value(&self) -> AttributeValue {
        text(&self.0)
    }
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// [`VERSION`], as rows have it.
pub(super) fn version() -> AttributeValue {
    number(VERSION)
}

/// When a row expires, in seconds since 1970.
pub(super) fn expires_at(row: &Item) -> Option<i64> {
    row.get(names::EXPIRES_AT)?.as_n().ok()?.parse().ok()
}

/// Whether a row is this tenant's. Of another's nothing more is read, so that it takes as long as one that
/// does not exist.
pub(super) fn is_of(row: &Item, tenant: &TenantId) -> bool {
    let owner = row.get("tenant").and_then(|owner| owner.as_s().ok());
    owner.is_some_and(|owner| owner == tenant.as_str())
}

/// Reads what a row says.
pub(super) fn read<T: DeserializeOwned>(row: Item) -> Result<T, Unavailable> {
    serde_dynamo::from_item(row).map_err(|error| Unavailable::new("flows", error))
}

/// Writes a value as one attribute.
pub(super) fn value(value: &impl Serialize) -> Result<AttributeValue, Unavailable> {
    serde_dynamo::to_attribute_value(value).map_err(|error| Unavailable::new("flows", error))
}

/// The attributes of a value; what it lacks has none, so that conditions can ask for it.
pub(super) fn attributes(value: &impl Serialize) -> Result<Item, Unavailable> {
    let mut row: Item =
        serde_dynamo::to_item(value).map_err(|error| Unavailable::new("flows", error))?;
    row.retain(|_, value| !value.is_null());
    Ok(row)
}

impl Table {
    /// The row of a flow, but for the name of its write. It has a map of its progress also where there is none: an
    /// update can only reach into a map that is there.
    pub(super) fn flow_row(&self, flow: &Flow) -> Result<Item, Unavailable> {
        let mut row = attributes(flow)?;
        row.entry(PROGRESS.to_owned())
            .or_insert_with(|| AttributeValue::M(Item::new()));
        row.extend(named([
            (names::PK, text(keys::flow(flow.id))),
            (
                names::LISTED_IN,
                text(keys::flow_list(flow.batch_id, flow.index)),
            ),
            (names::LISTED_AS, text(keys::flow_place(flow.index))),
            (names::EXPIRES_AT, number(self.expires_at(flow.created_at))),
            (names::VERSION, version()),
        ]));
        if let Some(due_at) = flow.due_at {
            row.extend(named([
                (names::UNSENT_IN, text(keys::due_list(flow.id))),
                (names::UNSENT_SINCE, text(keys::unsent_place(due_at))),
            ]));
        }
        Ok(row)
    }

    /// The row of a batch that is not dispatched.
    pub(super) fn batch_row(&self, batch: &Batch) -> Result<Item, Unavailable> {
        let mut row = attributes(batch)?;
        row.extend(named([
            (names::PK, text(keys::batch(batch.id))),
            (names::LISTED_IN, text(keys::batches_of(&batch.tenant))),
            (names::LISTED_AS, text(batch.id.to_string())),
            (names::UNSENT_IN, text(keys::unsent_list(batch.id))),
            (
                names::UNSENT_SINCE,
                text(keys::unsent_place(batch.created_at)),
            ),
            (names::OPEN_IN, text(keys::open_list(&batch.tenant))),
            (names::OPEN_AS, text(keys::open_place(batch.size))),
            (names::EXPIRES_AT, number(self.expires_at(batch.created_at))),
            (names::VERSION, version()),
        ]));
        Ok(row)
    }
}

/// Attributes by their names.
pub(super) fn named<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
