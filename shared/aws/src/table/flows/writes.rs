use assetmill_core::ports::{Completion, FlowWrites, Rule, SettledCount, Unavailable};
use assetmill_core::{Batch, BatchId, Flow, FlowRef, SettledFlow};
use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::Timestamp;

use crate::table::item::{self, Item, WriteId};
use crate::table::listing::{Range, TransformRequest, attribute};
use crate::table::{Table, TableFlows, keys, names, unavailable};

impl Table {
    /// What stands in these lists of what has a message to be sent, up to a time, the earliest first.
    async fn unsent(
        &self,
        lists: impl Iterator<Item = String>,
        condition: &'static str,
        time: Timestamp,
        limit: usize,
    ) -> Result<Vec<Item>, Unavailable> {
        let range = Range {
            index: names::UNSENT,
            condition: Some((condition, keys::unsent_place(time))),
            state: None,
            order: TransformRequest::First,
            limit,
        };
        let mut entries = self.list_all(lists, &range).await?;
        entries.sort_by(|a, b| {
            attribute(a, names::UNSENT_SINCE).cmp(attribute(b, names::UNSENT_SINCE))
        });
        entries.truncate(limit);
        Ok(entries)
    }
}

#[async_trait]
impl FlowWrites for TableFlows {
    async fn put_flows(&self, flows: &[Flow]) -> Result<(), Unavailable> {
        let rows = flows
            .iter()
            .map(|flow| {
                let mut row = self.0.flow_row(flow)?;
                let write = WriteId::generate().value();
                row.insert(names::WRITTEN_BY.to_owned(), write);
                Ok(row)
            })
            .collect::<Result<_, Unavailable>>()?;
        self.0.put_many(rows).await
    }

    async fn put_batch(&self, batch: &Batch) -> Result<(), Unavailable> {
        let put = self
            .0
            .client
            .put_item()
            .table_name(&self.0.name)
            .set_item(Some(self.0.batch_row(batch)?))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match put.map_err(SdkError::into_service_error) {
            // It was written by a try whose answer was lost: ids are never used twice.
            Ok(_) | Err(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn mark_dispatched(&self, id: BatchId, now: Timestamp) -> Result<(), Unavailable> {
        let marked = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key(names::PK, item::text(keys::batch(id)))
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(dispatched_at)")
            // From the list of those to be sent into that of the open ones.
            .update_expression(
                "SET dispatched_at = :now, unsent_in = if_not_exists(open_in, :nowhere), \
                 unsent_since = if_not_exists(open_as, :nothing)",
            )
            .expression_attribute_values(":now", item::value(&now)?)
            .expression_attribute_values(":nowhere", item::text(keys::OPEN_NOWHERE))
            .expression_attribute_values(":nothing", item::text(keys::open_place(0)))
            .send()
            .await;
        match marked.map_err(SdkError::into_service_error) {
            Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn undispatched(
        &self,
        created_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        let entries = self
            .0
            .unsent(
                keys::unsent_lists(),
                "unsent_since < :place",
                created_before,
                limit,
            )
            .await?;
        let mut batches = self.0.read_batches(&entries).await?;
        batches.retain(|batch| batch.dispatched_at.is_none());
        Ok(batches)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Flow>, Unavailable> {
        let entries = self
            .0
            .unsent(keys::due_lists(), "unsent_since <= :place", now, limit)
            .await?;
        let mut flows = self.0.read_flows(&entries).await?;
        flows.retain(|flow| flow.due_at.is_some_and(|due_at| due_at <= now));
        Ok(flows)
    }

    async fn change(&self, flow: FlowRef, rule: Rule) -> Result<Option<Flow>, Unavailable> {
        self.0.change_flow(&flow, &*rule).await
    }

    async fn count_settled(
        &self,
        batch: BatchId,
        settled: &[SettledFlow],
    ) -> Result<SettledCount, Unavailable> {
        self.0.tally_flows(batch, settled).await
    }

    async fn mark_completed(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Completion, Unavailable> {
        let write = WriteId::generate();
        let marked = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key(names::PK, item::text(keys::batch(batch)))
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(completed_at)")
            .update_expression(
                "SET completed_at = :now, dispatched_at = if_not_exists(dispatched_at, :now), \
                 unsent_in = :list, unsent_since = :place, written_by = :written_by",
            )
            .expression_attribute_values(":now", item::value(&now)?)
            .expression_attribute_values(":list", item::text(keys::completion_list(batch)))
            .expression_attribute_values(":place", item::text(keys::unsent_place(now)))
            .expression_attribute_values(":written_by", write.value())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match marked.map_err(SdkError::into_service_error) {
            Ok(_) => Ok(Completion::First),
            Err(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                // A try whose answer was lost took effect.
                let own = failed.item.as_ref().and_then(WriteId::of) == Some(write);
                Ok(if own {
                    Completion::First
                } else {
                    Completion::Already
                })
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn completions(
        &self,
        completed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        let lists = keys::completion_lists();
        let entries = self
            .0
            .unsent(lists, "unsent_since < :place", completed_before, limit)
            .await?;
        let mut batches = self.0.read_batches(&entries).await?;
        batches.retain(|batch| batch.completed_at.is_some());
        Ok(batches)
    }

    async fn completion_done(&self, batch: BatchId) -> Result<(), Unavailable> {
        let done = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key(names::PK, item::text(keys::batch(batch)))
            .condition_expression("unsent_in = :list")
            .update_expression("REMOVE unsent_in, unsent_since")
            .expression_attribute_values(":list", item::text(keys::completion_list(batch)))
            .send()
            .await;
        match done.map_err(SdkError::into_service_error) {
            Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }
}
