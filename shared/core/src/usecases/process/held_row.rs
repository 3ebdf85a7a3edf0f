//! Changes of the row of a flow that an attempt holds.

use jiff::Timestamp;

use super::Process;
use super::attempt::Attempt;
use super::late_claim::LateClaim;
use super::step::holder;
use crate::ports::{ClaimOfWork, Claiming, CountedChange, JudgingRule, MadeWork, Unavailable};
use crate::usecases::completion::follow_completion;
use crate::{Fenced, Flow, FlowRef, Happened, WorkKey};

/// A rule for the row of whoever holds it, or is about to with this change: `rule` is told the fence of the holder.
fn fenced(
    flow: &Flow,
    attempt: &Attempt,
    rule: impl Fn(&mut Flow, u64) -> Fenced + Send + Sync + 'static,
) -> JudgingRule<impl Fn(&mut Flow) -> Fenced + Send + Sync + 'static> {
    let fence = flow.fence;
    let late = attempt.late_claim.clone();
    JudgingRule::new(move |row: &mut Flow| match &late {
        None => rule(row, fence),
        Some(claim) => claim.with(row, fence, &rule),
    })
}

/// The row that a change begins from.
fn written(flow: &Flow, attempt: &Attempt) -> FlowRef {
    match &attempt.late_claim {
        None => flow.into(),
        Some(LateClaim { row, .. }) => (&**row).into(),
    }
}

/// Makes `flow` the row afterwards, if it is still held.
fn follow_row<Judge>(rule: &JudgingRule<Judge>, before: Option<Flow>, flow: &mut Flow) -> Fenced
where
    Judge: Fn(&mut Flow) -> Fenced + Send + Sync + 'static,
{
    let Some(before) = before else {
        return Fenced::Lost;
    };
    let (fenced, row) = rule.verdict(&before);
    if fenced == Fenced::Done {
        *flow = row.unwrap_or(before);
    }
    fenced
}

impl Process {
    /// Changes the row of a flow that this attempt holds, from what it wrote last, if it holds it still. `flow` is
    /// the row afterwards.
    pub(super) async fn change(
        &self,
        flow: &mut Flow,
        attempt: &mut Attempt,
        rule: impl Fn(&mut Flow, u64) -> Fenced + Send + Sync + 'static,
    ) -> Result<Fenced, Unavailable> {
        let rule = fenced(flow, attempt, rule);
        let row = written(flow, attempt);
        let before = self.flows.change(row, rule.rule()).await?;
        attempt.late_claim = None;
        Ok(follow_row(&rule, before, flow))
    }

    /// Changes the row as [`change`](Self::change) does, and remembers with it what the attempt made. What is settled
    /// then is counted, and what follows from the completion of its batch is done.
    pub(super) async fn change_with_made(
        &self,
        flow: &mut Flow,
        attempt: &mut Attempt,
        rule: impl Fn(&mut Flow, u64) -> Fenced + Send + Sync + 'static,
    ) -> Result<Fenced, Unavailable> {
        let rule = fenced(flow, attempt, rule);
        let row = written(flow, attempt);
        let made = attempt.made.as_ref().map(|(key, output)| MadeWork {
            results: &*self.result_cache,
            key,
            output,
        });
        let changed = self.flows.change_and_count(made, row, rule.rule());
        let changed = changed.await?;
        attempt.late_claim = None;
        attempt.made = None;
        attempt.first = None;
        let Some(CountedChange { before, completion }) = changed else {
            return Ok(Fenced::Lost);
        };
        if let Some(completion) = completion {
            follow_completion(&*self.flows, completion, flow.batch_id, &flow.tenant).await?;
        }
        Ok(follow_row(&rule, Some(before), flow))
    }

    /// Claims the work of a flow and, if the claim wins, notes that its call begins.
    pub(super) async fn claim_and_begin_call(
        &self,
        flow: &mut Flow,
        work: &WorkKey,
        attempt: &mut Attempt,
        now: Timestamp,
    ) -> Result<Claiming<Fenced>, Unavailable> {
        let claim = ClaimOfWork {
            results: &*self.result_cache,
            key: work,
            holder: holder(flow),
            now,
            until: now + self.limits.lease,
        };
        let events = attempt.events_with(flow.event(now, Happened::Sent));
        let rule = fenced(flow, attempt, move |row, fence| {
            row.begin_call(fence, &events)
        });
        let row = written(flow, attempt);
        let begun = self.flows.change_claiming(claim, row, rule.rule());
        let begun = begun.await?.map(|before| {
            attempt.late_claim = None;
            attempt.take_events();
            let settled = before.as_ref().is_some_and(|row| row.state().is_settled());
            (settled, follow_row(&rule, before, flow))
        });
        if let Claiming::Claimed((true, Fenced::Lost)) = begun {
            // It was cancelled meanwhile, and no attempt of it will do the work: others need not wait for that. One that
            // is not settled may be at the work under the same fence.
            self.release_work(flow, work).await;
        }
        Ok(begun.map(|(_, fenced)| fenced))
    }
}
