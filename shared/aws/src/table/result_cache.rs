use assetmill_core::ports::{ResultCache, Unavailable, WorkClaim, WorkHolder};
use assetmill_core::{FlowId, Output, WorkKey};
use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::item::{self, Item};
use super::{TableResultCache, keys, names, unavailable};

/// A row of work: either its output, or who makes it and until when.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Row {
    output: Option<Output>,
    holder: Option<FlowId>,
    fence: Option<u64>,
    /// In milliseconds since 1970.
    held_until: Option<i64>,
}

/// How often a claim is tried anew that lost against one which was given up at once.
const TRIES: u32 = 8;
/// When work may be claimed: nobody has it, its claim ended, an earlier attempt of the same flow
/// has it, or all that expired.
const MAY_BE_CLAIMED: &str = "attribute_not_exists(pk) OR expires_at <= :now_seconds \
     OR (attribute_not_exists(#output) \
         AND (held_until <= :now OR (holder = :holder AND fence <= :fence)))";

impl Row {
    /// How a claim of this work ends at `now`, if not by getting it.
    fn refusal(&self, holder: WorkHolder, now: Timestamp) -> Option<WorkClaim> {
        if let Some(output) = &self.output {
            return Some(WorkClaim::Done(output.clone()));
        }
        let until = Timestamp::from_millisecond(self.held_until?).ok()?;
        let earlier_attempt = self.holder == Some(holder.flow_id)
            && self.fence.is_some_and(|own| own <= holder.fence);
        (until > now && !earlier_attempt).then_some(WorkClaim::Held { until })
    }
}

impl TableResultCache {
    async fn row(&self, key: &WorkKey) -> Result<Option<Row>, Unavailable> {
        let row = self.0.get(keys::work(key)).await?;
        row.map(item::read).transpose()
    }

    fn attributes(&self, key: &WorkKey, row: &Row) -> Result<Item, Unavailable> {
        let mut attributes = item::attributes(row)?;
        let expires_at = self.0.expires_at(self.0.clock.now());
        attributes.extend(item::named([
            (names::PK, item::text(keys::work(key))),
            (names::EXPIRES_AT, item::number(expires_at)),
            (names::VERSION, item::version()),
        ]));
        Ok(attributes)
    }

    /// Writes a claim if the work may be claimed: whether it was.
    async fn put_claim(
        &self,
        key: &WorkKey,
        holder: WorkHolder,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Unavailable> {
        let row = Row {
            holder: Some(holder.flow_id),
            fence: Some(holder.fence),
            held_until: Some(until.as_millisecond()),
            output: None,
        };
        let put = self
            .0
            .client
            .put_item()
            .table_name(&self.0.name)
            .set_item(Some(self.attributes(key, &row)?))
            .condition_expression(MAY_BE_CLAIMED)
            .expression_attribute_names("#output", "output")
            .set_expression_attribute_values(Some(item::named([
                (":now", item::number(now.as_millisecond())),
                (":now_seconds", item::number(now.as_second())),
                (":holder", item::text(holder.flow_id.to_string())),
                (":fence", item::number(holder.fence)),
            ])))
            .send()
            .await;
        match put.map_err(SdkError::into_service_error) {
            Ok(_) => Ok(true),
            Err(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn delete(&self, key: &WorkKey) -> DeleteItemFluentBuilder {
        let delete = self.0.client.delete_item().table_name(&self.0.name);
        delete.key(names::PK, item::text(keys::work(key)))
    }
}

#[async_trait]
impl ResultCache for TableResultCache {
    async fn find(&self, key: &WorkKey) -> Result<Option<Output>, Unavailable> {
        Ok(self.row(key).await?.and_then(|row| row.output))
    }

    async fn claim(
        &self,
        key: &WorkKey,
        holder: WorkHolder,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<WorkClaim, Unavailable> {
        for _ in 0..TRIES {
            // Most who want what many want learn here that it is taken: reading costs its key less
            // than writing.
            let row = self.row(key).await?;
            if let Some(refusal) = row.and_then(|row| row.refusal(holder, now)) {
                return Ok(refusal);
            }
            if self.put_claim(key, holder, now, until).await? {
                return Ok(WorkClaim::Claimed);
            }
        }
        Err(Unavailable::new(
            "works",
            "others changed the row each time",
        ))
    }

    async fn complete(&self, key: &WorkKey, output: &Output) -> Result<(), Unavailable> {
        let expires_at = self.0.expires_at(self.0.clock.now());
        self.0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key(names::PK, item::text(keys::work(key)))
            .update_expression(
                "SET #output = :output, expires_at = :expires_at, \
                 #version = if_not_exists(#version, :version) REMOVE holder, fence, held_until",
            )
            .expression_attribute_names("#output", "output")
            .expression_attribute_names("#version", names::VERSION)
            .expression_attribute_values(":output", item::value(output)?)
            .expression_attribute_values(":expires_at", item::number(expires_at))
            .expression_attribute_values(":version", item::version())
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn release(&self, key: &WorkKey, holder: WorkHolder) -> Result<(), Unavailable> {
        let delete = self
            .delete(key)
            .condition_expression("holder = :holder AND fence = :fence")
            .expression_attribute_values(":holder", item::text(holder.flow_id.to_string()))
            .expression_attribute_values(":fence", item::number(holder.fence));
        done_or_refused(delete).await
    }

    async fn forget(&self, key: &WorkKey) -> Result<(), Unavailable> {
        let delete = self
            .delete(key)
            .condition_expression("attribute_exists(#output)")
            .expression_attribute_names("#output", "output");
        done_or_refused(delete).await
    }
}

/// A row that the condition does not describe stays, which is what the condition is for.
async fn done_or_refused(delete: DeleteItemFluentBuilder) -> Result<(), Unavailable> {
    match delete.send().await.map_err(SdkError::into_service_error) {
        Ok(_) | Err(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
        Err(error) => Err(unavailable(error)),
    }
}
