//! Changing the row of a flow by the rules of the domain, which know nothing of DynamoDB.

use assetmill_core::ports::Unavailable;
use assetmill_core::{Flow, FlowId, FlowRef};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::item::{self, Item, PROGRESS, WriteId};
use super::update::{ProgressIs, Update};
use super::{Table, keys, names, unavailable};

/// How often a change is tried anew on a row that others changed meanwhile. Each time, one of them
/// made progress.
const TRIES: u32 = 32;

/// What became of a row that was to be changed.
enum Changed {
    /// It is the new one.
    Done,
    /// It was not what was thought, and this is the row now; `None` if it is gone.
    Refused(Option<Item>),
}

impl Table {
    /// Changes a flow as it is guessed to be, or as it is read, and writes that if nobody was faster; else begins
    /// anew with what the refusal brings. The flow as it was before; `None` if there is none.
    ///
    /// Where the rule changes nothing of a guess, there is nothing to write that would tell whether the guess is
    /// right: then the row is read.
    pub(super) async fn change_flow(
        &self,
        flow: &FlowRef,
        rule: &(dyn Fn(&mut Flow) + Send + Sync),
    ) -> Result<Option<Flow>, Unavailable> {
        let mut row = match self.change_guess(flow, rule).await? {
            Some((Changed::Done, guess)) => return Ok(Some(guess)),
            Some((Changed::Refused(row), _)) => row,
            None => self.get(keys::flow(flow.id())).await?,
        };
        for _ in 0..TRIES {
            let Some(stored) = row.filter(|row| self.lives(row)) else {
                return Ok(None);
            };
            let before: Flow = item::read(stored.clone())?;
            let ((), Some(after)) = before.apply(rule) else {
                return Ok(Some(before));
            };
            match self.update_row(&stored, &before, &after).await? {
                Changed::Done => return Ok(Some(before)),
                Changed::Refused(now) => row = now,
            }
        }
        Err(Unavailable::new(
            "flows",
            "others changed the row each time",
        ))
    }

    /// What became of a change that began from the guess; `None` if there is no guess, or nothing of it to change.
    async fn change_guess(
        &self,
        flow: &FlowRef,
        rule: &(dyn Fn(&mut Flow) + Send + Sync),
    ) -> Result<Option<(Changed, Flow)>, Unavailable> {
        let Some(guess) = flow.guess() else {
            return Ok(None);
        };
        let ((), Some(after)) = guess.apply(rule) else {
            return Ok(None);
        };
        let mut update = self.update(guess, &after, ProgressIs::There)?;
        update.only_if(names::REVISION, "=", item::number(guess.revision));
        // One that expired is gone, though it may not be deleted yet.
        let now = self.clock.now().as_second();
        update.only_if(names::EXPIRES_AT, ">", item::number(now));
        let changed = self.send(guess.id, update).await?;
        Ok(Some((changed, guess.clone())))
    }

    async fn update_row(
        &self,
        stored: &Item,
        before: &Flow,
        after: &Flow,
    ) -> Result<Changed, Unavailable> {
        let progress = match stored.get(PROGRESS) {
            Some(_) => ProgressIs::There,
            None => ProgressIs::Missing,
        };
        let mut update = self.update(before, after, progress)?;
        if !stored.contains_key(names::VERSION) {
            update.set(&[names::VERSION], item::version());
        }
        match WriteId::of(stored) {
            Some(last) => update.only_if(names::WRITTEN_BY, "=", last.value()),
            None => update.only_without(names::WRITTEN_BY),
        }
        self.send(before.id, update).await
    }

    /// What makes the row of `after` of that of `before`, lists included.
    fn update(
        &self,
        before: &Flow,
        after: &Flow,
        progress: ProgressIs,
    ) -> Result<Update, Unavailable> {
        let [before, after] = [self.flow_row(before)?, self.flow_row(after)?];
        Ok(Update::between(&before, &after, progress))
    }

    async fn send(&self, id: FlowId, mut update: Update) -> Result<Changed, Unavailable> {
        let write = WriteId::generate();
        update.set(&[names::WRITTEN_BY], write.value());
        let call = self.client.update_item().table_name(&self.name);
        let sent = update
            .of(call, names::PK)
            .key(names::PK, item::text(keys::flow(id)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Changed::Done);
        };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                let now = failed.item;
                // A try whose answer was lost took effect.
                let own = now.as_ref().and_then(WriteId::of) == Some(write);
                Ok(if own {
                    Changed::Done
                } else {
                    Changed::Refused(now)
                })
            }
            other => Err(unavailable(other)),
        }
    }
}
