use std::time::Duration;

use assetmill_core::ports::{IdempotencyKeys, Unavailable};
use assetmill_core::{IdempotencyKey, KeyClaim, TenantId};
use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::Timestamp;

use super::item::{self, Item};
use super::{TableIdempotencyKeys, keys, names, unavailable};

/// How much longer than the claim counts its row lives: the functions' clocks differ a little, and whether a claim
/// is expired is told by the time of who asks.
const ROW_OUTLIVES: Duration = Duration::from_hours(1);

#[async_trait]
impl IdempotencyKeys for TableIdempotencyKeys {
    async fn find(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<KeyClaim>, Unavailable> {
        let row = self.0.get(keys::idempotency(tenant, key)).await?;
        let claim: Option<KeyClaim> = row.map(item::read).transpose()?;
        Ok(claim.filter(|claim| !claim.is_expired(now)))
    }

    /// One write, which answers the claim that refuses it.
    async fn claim(&self, key: &IdempotencyKey, claim: &KeyClaim) -> Result<KeyClaim, Unavailable> {
        let gone = claim.batch.created_at - IdempotencyKey::KEPT_FOR;
        let put = self
            .0
            .client
            .put_item()
            .table_name(&self.0.name)
            .set_item(Some(row(key, claim)?))
            .condition_expression("attribute_not_exists(pk) OR claimed_at <= :gone")
            .expression_attribute_values(":gone", item::number(gone.as_millisecond()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put.map_err(SdkError::into_service_error) {
            Ok(_) => Ok(claim.clone()),
            // It may be this very claim, of a try whose answer was lost.
            Err(PutItemError::ConditionalCheckFailedException(failed)) => match failed.item {
                Some(earlier) => item::read(earlier),
                None => Err(Unavailable::new("keys", "a refusal without its row")),
            },
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn row(key: &IdempotencyKey, claim: &KeyClaim) -> Result<Item, Unavailable> {
    let began = claim.batch.created_at;
    let expires_at = began + IdempotencyKey::KEPT_FOR + ROW_OUTLIVES;
    let mut row = item::attributes(claim)?;
    row.extend(item::named([
        (
            names::PK,
            item::text(keys::idempotency(&claim.batch.tenant, key)),
        ),
        (names::CLAIMED_AT, item::number(began.as_millisecond())),
        (names::EXPIRES_AT, item::number(expires_at.as_second())),
        (names::VERSION, item::version()),
    ]));
    Ok(row)
}
