//! Gates of operations: a row each, whose gate is one attribute. They never expire.

use assetmill_core::OperationName;
use assetmill_core::pacing::Gate;
use assetmill_core::ports::{GateReads, GateRule, Gates, Unavailable};
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::item::{self, Item, WriteId};
use super::{TableGates, keys, names, unavailable};

/// How often a change is tried anew on a gate that others changed meanwhile. Each time, one of them made progress.
const TRIES: u32 = 32;
/// The attribute that holds the gate, as JSON: shorter than a map is.
const GATE: &str = "gate";

enum Changed {
    Done,
    /// It was not what was thought, and this is the row now.
    Refused(Option<Item>),
}

impl TableGates {
    /// Writes a gate if it is still at this revision, in one call.
    async fn write(
        &self,
        operation: &OperationName,
        before: &Gate,
        after: &Gate,
    ) -> Result<Changed, Unavailable> {
        let json =
            serde_json::to_string(after).map_err(|error| Unavailable::new("gates", error))?;
        let write = WriteId::generate();
        let condition = match before.revision {
            0 => "attribute_not_exists(pk)",
            _ => "#revision = :before",
        };
        let mut call = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key(names::PK, item::text(keys::gate(operation)))
            .update_expression(
                "SET #gate = :gate, #revision = :revision, #written = :written, \
                 #version = if_not_exists(#version, :version)",
            )
            .condition_expression(condition)
            .expression_attribute_names("#gate", GATE)
            .expression_attribute_names("#revision", names::REVISION)
            .expression_attribute_names("#written", names::WRITTEN_BY)
            .expression_attribute_names("#version", names::VERSION)
            .expression_attribute_values(":gate", item::text(json))
            .expression_attribute_values(":revision", item::number(after.revision))
            .expression_attribute_values(":written", write.value())
            .expression_attribute_values(":version", item::version())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if before.revision > 0 {
            call = call.expression_attribute_values(":before", item::number(before.revision));
        }
        let Err(error) = call.send().await else {
            return Ok(Changed::Done);
        };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                // A try whose answer was lost took effect.
                let own = failed.item.as_ref().and_then(WriteId::of) == Some(write);
                Ok(if own {
                    Changed::Done
                } else {
                    Changed::Refused(failed.item)
                })
            }
            other => Err(unavailable(other)),
        }
    }
}

fn read(row: Option<&Item>) -> Result<Gate, Unavailable> {
    let Some(gate) = row.and_then(|row| row.get(GATE)?.as_s().ok()) else {
        return Ok(Gate::default());
    };
    serde_json::from_str(gate).map_err(|error| Unavailable::new("gates", error))
}

#[async_trait]
impl GateReads for TableGates {
    async fn gate(&self, operation: &OperationName) -> Result<Gate, Unavailable> {
        read(self.0.get(keys::gate(operation)).await?.as_ref())
    }
}

#[async_trait]
impl Gates for TableGates {
    async fn change_gate(
        &self,
        operation: &OperationName,
        guess: Option<Gate>,
        rule: GateRule,
    ) -> Result<Gate, Unavailable> {
        // A guess that the rule leaves as it is can't be held against the row by a write: then it is read.
        let mut before = match guess {
            Some(guess) if guess.apply(&*rule).is_some() => guess,
            _ => self.gate(operation).await?,
        };
        for _ in 0..TRIES {
            let Some(after) = before.apply(&*rule) else {
                return Ok(before);
            };
            match self.write(operation, &before, &after).await? {
                Changed::Done => return Ok(before),
                Changed::Refused(row) => before = read(row.as_ref())?,
            }
        }
        Err(Unavailable::new(
            "gates",
            "others changed the gate each time",
        ))
    }
}
