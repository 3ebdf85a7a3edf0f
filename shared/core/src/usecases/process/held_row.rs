//! Changes of the row of a flow that an attempt holds.

use std::sync::Arc;

use jiff::Timestamp;

use super::Process;
use super::attempt::Attempt;
use super::step::holder;
use crate::ports::{ClaimOfWork, Claiming, Completion, CountedChange, MadeWork, Rule, Unavailable};
use crate::usecases::completion::follow;
use crate::{Fenced, Flow, Happened, WorkKey};

/// A rule for the row of whoever holds it, and what it says of it.
struct FencedRule(Arc<dyn Fn(&mut Flow) -> Fenced + Send + Sync>);

impl FencedRule {
    fn of(flow: &Flow, rule: impl Fn(&mut Flow, u64) -> Fenced + Send + Sync + 'static) -> Self {
        let fence = flow.fence;
        Self(Arc::new(move |row| rule(row, fence)))
    }

    fn rule(&self) -> Rule {
        let rule = self.0.clone();
        Arc::new(move |row| {
            rule(row);
        })
    }

    /// What the rule said of the row that was `before`. `flow` is the row afterwards if it is still held.
    fn verdict(&self, before: Option<Flow>, flow: &mut Flow) -> Fenced {
        let Some(before) = before else {
            return Fenced::Lost;
        };
        let (fenced, row) = before.apply(|row| (self.0)(row));
        if fenced == Fenced::Done {
            *flow = row.unwrap_or(before);
        }
        fenced
    }
}

impl Process {
    /// Changes the row of a flow that this attempt holds, from what it wrote last, if it holds it still. `flow` is
    /// the row afterwards.
    pub(super) async fn change(
        &self,
        flow: &mut Flow,
        rule: impl Fn(&mut Flow, u64) -> Fenced + Send + Sync + 'static,
    ) -> Result<Fenced, Unavailable> {
        let rule = FencedRule::of(flow, rule);
        let before = self.flows.change((&*flow).into(), rule.rule()).await?;
        Ok(rule.verdict(before, flow))
    }

    /// Changes the row as [`change`](Self::change) does, and remembers with it what the attempt made. What is settled
    /// then is counted, and what follows from the completion of its batch is done.
    pub(super) async fn change_with_made(
        &self,
        flow: &mut Flow,
        attempt: &mut Attempt,
        rule: impl Fn(&mut Flow, u64) -> Fenced + Send + Sync + 'static,
    ) -> Result<Fenced, Unavailable> {
        let rule = FencedRule::of(flow, rule);
        let made = attempt.made.as_ref().map(|(key, output)| MadeWork {
            results: &*self.result_cache,
            key,
            output,
        });
        let changed = self
            .flows
            .change_and_count(made, (&*flow).into(), rule.rule());
        let changed = changed.await?;
        attempt.made = None;
        attempt.first = None;
        let Some(CountedChange { before, completion }) = changed else {
            return Ok(Fenced::Lost);
        };
        if completion == Some(Completion::First) {
            // Whoever crashes here leaves it to the sweep.
            follow(&*self.flows, flow.batch_id, &flow.tenant).await?;
        }
        Ok(rule.verdict(Some(before), flow))
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
        let rule = FencedRule::of(flow, move |row, fence| row.begin_call(fence, &events));
        let begun = self
            .flows
            .change_claiming(claim, (&*flow).into(), rule.rule());
        Ok(match begun.await? {
            Claiming::Claimed(before) => {
                attempt.take_events();
                Claiming::Claimed(rule.verdict(before, flow))
            }
            Claiming::Held { until } => Claiming::Held { until },
            Claiming::Done(output) => Claiming::Done(output),
        })
    }
}
