//! Changing the row of a flow by the rules of the domain, which know nothing of DynamoDB.

use assetmill_core::ports::Unavailable;
use assetmill_core::{Flow, FlowId};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::item::{self, Item, STILL_WRITTEN_BY, WriteId};
use super::{Table, keys, unavailable};

/// How often a change is tried anew on a row that others changed meanwhile. Each time, one of them
/// made progress.
const TRIES: u32 = 32;

/// What became of a row that was to be replaced.
enum Replaced {
    /// It is the new one.
    Done,
    /// Somebody was faster, and this is the row now; `None` if it is gone.
    Changed(Option<Item>),
}

impl Table {
    /// Reads a flow, changes it, and writes it back if nobody else did in between; else begins anew
    /// with what they wrote. The flow as it was before; `None` if there is none.
    pub(super) async fn change_flow(
        &self,
        id: FlowId,
        rule: &(dyn Fn(&mut Flow) + Send + Sync),
    ) -> Result<Option<Flow>, Unavailable> {
        let mut row = self.get(keys::flow(id)).await?;
        for _ in 0..TRIES {
            let Some(stored) = row.filter(|row| self.lives(row)) else {
                return Ok(None);
            };
            let last_write = WriteId::of(&stored);
            let before: Flow = item::read(stored)?;
            let mut flow = before.clone();
            rule(&mut flow);
            if flow == before {
                return Ok(Some(before));
            }
            match self.replace_flow(&flow, last_write).await? {
                Replaced::Done => return Ok(Some(before)),
                Replaced::Changed(now) => row = now,
            }
        }
        Err(Unavailable::new(
            "flows",
            "others changed the row each time",
        ))
    }

    async fn replace_flow(
        &self,
        flow: &Flow,
        last_write: Option<WriteId>,
    ) -> Result<Replaced, Unavailable> {
        let write = WriteId::generate();
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(self.flow_row(flow, &write)?))
            .condition_expression(STILL_WRITTEN_BY)
            .set_expression_attribute_values(
                last_write.map(|last| item::named([(":written_by", last.value())])),
            )
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = put else {
            return Ok(Replaced::Done);
        };
        match error.into_service_error() {
            PutItemError::ConditionalCheckFailedException(failed) => {
                let now = failed.item;
                // A try whose answer was lost took effect.
                let own = now.as_ref().and_then(WriteId::of) == Some(write);
                Ok(if own {
                    Replaced::Done
                } else {
                    Replaced::Changed(now)
                })
            }
            other => Err(unavailable(other)),
        }
    }
}
